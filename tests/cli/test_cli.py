"""The command line as a user drives it: help, generate, and every bad input."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from t2w.files import save_tensors

T2W = [sys.executable, "-m", "t2w"]


def test_help_is_quick() -> None:
    times = []
    for _ in range(3):
        start = time.monotonic()
        done = subprocess.run([*T2W, "--help"], capture_output=True, text=True, check=True)
        times.append(time.monotonic() - start)
    assert min(times) < 1.0
    for verb in ("demo", "run", "tasks", "features", "adapters", "train", "eval", "generate"):
        assert f"\n  {verb} " in done.stdout


@pytest.mark.parametrize("verb", ["demo", "run", "tasks", "features", "adapters", "train", "eval", "generate"])
def test_every_verb_shows_an_example(t2w: Callable, verb: str) -> None:
    outcome = t2w(verb, "--help")
    assert outcome.code == 0
    assert f"t2w {verb} " in outcome.out.split("Usage:")[1].split("\n", 1)[1]


def test_generate_writes_one_self_describing_file(finished_run: Path, t2w: Callable, tmp_path: Path) -> None:
    from t2w import Classifier
    from t2w.datasets import load_dataset

    path = tmp_path / "three.t2w"
    outcome = t2w("generate", "--classes", "three, five, eight", "--from", str(finished_run), "-o", str(path))
    assert outcome.code == 0
    assert "weights for 3 classes" in outcome.out
    classifier = Classifier.load(path)
    assert classifier.classes == ("three", "five", "eight")
    assert classifier.texts == tuple(f"a photo of a {name}" for name in classifier.classes)
    assert classifier.provenance["seed"] == 0
    test = load_dataset("digits")[1]
    prediction = classifier.classify(test.images[:20])
    assert prediction.probabilities.shape == (20, 3)
    assert torch.allclose(prediction.probabilities.sum(1), torch.ones(20), atol=1e-5)
    assert set(prediction.labels) <= set(classifier.classes)


def test_generate_is_repeatable_and_seeded(finished_run: Path, t2w: Callable, tmp_path: Path) -> None:
    from t2w import Classifier

    weights = []
    for seed in (0, 0, 1):
        path = tmp_path / "c.t2w"
        assert (
            t2w(
                "generate", "--classes", "one, two", "--from", str(finished_run), "-o", str(path), "--seed", str(seed)
            ).code
            == 0
        )
        weights.append(Classifier.load(path).weights)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        ("three", "class"),
        ("three, three", "three"),
        ("three, , five", "empty"),
        ("three, fve", "did you mean 'five'"),
    ],
)
def test_generate_refuses_wrong_classes(
    finished_run: Path, t2w: Callable, tmp_path: Path, classes: str, sentence: str
) -> None:
    outcome = t2w("generate", "--classes", classes, "--from", str(finished_run), "-o", str(tmp_path / "x.t2w"))
    assert outcome.code == 2
    assert outcome.out == ""
    assert sentence in outcome.err
    assert not list(tmp_path.iterdir())


def test_any_class_may_be_asked_for_by_name(finished_run: Path, t2w: Callable, tmp_path: Path) -> None:
    path = tmp_path / "x.t2w"
    outcome = t2w("generate", "--classes", "cat, dog", "--from", str(finished_run), "-o", str(path), "--any-class")
    assert outcome.code == 0
    assert path.exists()


def wrong_files(folder: Path) -> dict[str, Path]:
    text, other, small, cut = (
        folder / name for name in ("text.safetensors", "other.safetensors", "small.safetensors", "cut.safetensors")
    )
    text.write_text("these are not tensors")
    save_tensors(other, {"x": torch.zeros(3)})
    shape = {"train_features": torch.zeros(6, 4), "train_labels": torch.zeros(5).long(),
             "test_features": torch.zeros(6, 4), "test_labels": torch.zeros(6).long()}  # fmt: skip
    save_tensors(small, shape, {"class_names": ["a", "b"]})
    save_tensors(cut, {"train_features": torch.zeros(500, 4)})
    cut.write_bytes(cut.read_bytes()[:-100])
    return {"missing": folder / "absent.safetensors", "text": text, "other": other, "shape": small, "cut": cut}


@pytest.mark.parametrize("kind", ["missing", "text", "other", "shape", "cut"])
def test_wrong_feature_files_are_named_and_leave_nothing(t2w: Callable, tmp_path: Path, kind: str) -> None:
    path = wrong_files(tmp_path)[kind]
    out = tmp_path / "run"
    outcome = t2w("run", "experiment=tiny_imagenet_features", f"dataset.path={path}", f"out={out}")
    assert outcome.code == 2
    assert path.name in outcome.err
    assert "Traceback" not in outcome.err
    assert not out.exists()


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["experiment=digit"], "did you mean 'digits'"),
        (["generator.n_layerz=2"], "did you mean 'generator.n_layer'"),
        (["generator.n_layer=two"], "generator.n_layer is 'two'"),
        (["tasks.max_classes=40"], "10 classes to draw from"),
        (["tasks.n_train=5000"], "at most"),
        (["device=cuda:7"], "device"),
        (["device=toaster"], "toaster"),
        (["encoder.path=/nowhere"], "/nowhere"),
    ],
)
def test_wrong_configurations_leave_nothing(t2w: Callable, tmp_path: Path, overrides: list[str], sentence: str) -> None:
    out = tmp_path / "run"
    outcome = t2w("run", "experiment=digits", f"out={out}", *overrides)
    assert outcome.code == 2
    assert sentence in outcome.err
    assert "Traceback" not in outcome.err
    assert not out.exists()


def test_a_folder_of_something_else_is_not_touched(t2w: Callable, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    outcome = t2w("run", "experiment=digits", f"out={tmp_path}")
    assert outcome.code == 2
    assert "not a run folder" in outcome.err
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_generate_from_an_unfinished_run_says_what_to_do(t2w: Callable, tmp_path: Path) -> None:
    outcome = t2w("generate", "--classes", "one, two", "--from", str(tmp_path), "-o", str(tmp_path / "x.t2w"))
    assert outcome.code == 2
    assert "finish the run: t2w run" in outcome.err


def test_a_damaged_result_is_named(finished_run: Path, t2w: Callable, tmp_path: Path) -> None:
    path = tmp_path / "generator.safetensors"
    path.write_bytes((finished_run / "train" / "generator.safetensors").read_bytes()[:-50])
    outcome = t2w("generate", "--classes", "one, two", "--from", str(path), "-o", str(tmp_path / "x.t2w"))
    assert outcome.code == 2
    assert "generator.safetensors is damaged" in outcome.err


def test_ctrl_c_leaves_a_run_that_goes_on(small_config: list[str], tmp_path: Path, t2w: Callable) -> None:
    out = tmp_path / "run"
    command = [*T2W, "run", *small_config, "recipe.steps=4000", f"out={out}"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("adapters: ..."):
            break
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    err = process.stderr.read()
    # Where the signal fell into code run by exec(), CPython ends itself by that signal: to a shell it is 130 as well.
    assert process.wait(timeout=60) in (130, -signal.SIGINT)
    assert "interrupted" in err
    assert "Traceback" not in err
    assert t2w("features", *small_config, "recipe.steps=4000", f"out={out}").code == 0
    assert not list(out.rglob("*.tmp"))
