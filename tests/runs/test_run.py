"""A run from end to end, and what makes it stop, resume and refuse."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from t2w import TextToWeights

METHODS = {
    "chance", "base", "mean", "nearest text", "noise 0.5", "noise 1", "gaussian", "ridge", "joint wide",
    "text-to-prototype", "ESZSL", "generated", "generated x2", "oracle",
}  # fmt: skip


def mtimes(folder: Path) -> dict[str, int]:
    skipped = {"log.txt", "run.json", "lock"}
    return {
        str(p.relative_to(folder)): p.stat().st_mtime_ns
        for p in folder.rglob("*")
        if p.is_file() and p.name not in skipped
    }


def test_scoreboard_has_every_method_on_both_splits(finished_run: Path) -> None:
    board = json.loads((finished_run / "scoreboard.json").read_text())
    for split in ("unseen_combination", "unseen_class"):
        rows = {row["method"]: row for row in board["rows"] if row["split"] == split}
        assert rows.keys() == (METHODS | {"linear head"} if split == "unseen_combination" else METHODS)
        assert rows["oracle"]["accuracy"] > rows["chance"]["accuracy"]
        assert rows["generated"]["paired_difference"] == 0
    assert board["recovery"].keys() == {"unseen_combination", "unseen_class"}
    assert board["provenance"]["tasks"] == {"train": 40, "validation": 8, "unseen_combination": 12, "unseen_class": 4}


def test_unseen_classes_touched_no_training(finished_run: Path) -> None:
    from t2w.adapters.store import WeightDataset
    from t2w.tasks import load_tasks

    unseen = set(load_tasks(finished_run / "tasks" / "tasks.json").unseen_classes)
    weights = WeightDataset.open(finished_run / "adapters" / "weights")
    assert len(unseen) == 3
    assert len(weights) == 48
    assert not any(unseen & set(record.class_names) for record in weights.records)


def test_finished_stages_are_not_repeated(
    finished_run: Path, small_config: list[str], t2w: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    before = mtimes(finished_run)
    outcome = t2w("run", *small_config, f"out={finished_run}")
    assert outcome.code == 0
    assert mtimes(finished_run) == before
    assert outcome.err.count("done before") == 6
    assert "unseen combination (12 tasks)" in outcome.out


def test_another_configuration_is_refused_or_taken_with_update(
    finished_run: Path, small_config: list[str], t2w: Callable, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    before = mtimes(run)
    refused = t2w("run", *small_config, f"out={run}", "train.steps=12")
    assert refused.code == 2
    assert "train.steps is 20 there, 12 here" in refused.err
    assert "--update" in refused.err
    assert mtimes(run) == before

    taken = t2w("run", *small_config, f"out={run}", "train.steps=12", "--update")
    assert taken.code == 0
    after = mtimes(run)
    changed = {name.split("/")[0] for name in after if after[name] != before.get(name)}
    assert changed == {"train", "eval", "scoreboard.json", "report.html"}
    assert json.loads((run / "train" / "losses.json").read_text())["train"][-1][0] == 12


@pytest.mark.usefixtures("no_report")
def test_a_generator_is_sampled_as_it_was_last_scored(
    finished_run: Path, small_config: list[str], t2w: Callable, tmp_path: Path
) -> None:
    from t2w.generator import Generator, Sampling

    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    path = run / "train" / "generator.safetensors"
    losses = (run / "train" / "losses.json").stat().st_mtime_ns
    changes = {"steps": 3, "fallback_distance": 0.2, "guidance": 1.5, "respacing": "ddim4"}
    asked = [f"diffusion.{key}={value}" for key, value in changes.items()]
    assert t2w("run", *small_config, f"out={run}", *asked, "--update").code == 0
    assert Generator.load(path).sampling == Sampling(**changes)
    writer = TextToWeights.from_pretrained(run)
    made = writer.generate(writer.generator.provenance["seen_classes"][:2])
    assert made.provenance.items() >= {**changes, "sampler": "ddim"}.items()
    assert (run / "train" / "losses.json").stat().st_mtime_ns == losses  # not trained again
    before, after = (json.loads((r / "scoreboard.json").read_text())["rows"] for r in (finished_run, run))
    changed = {row["method"] for row, old in zip(after, before, strict=True) if row["accuracy"] != old["accuracy"]}
    assert changed
    assert changed <= {"generated", "generated x2"}


@pytest.mark.usefixtures("no_report")
def test_interrupted_run_goes_on_to_the_same_result(
    finished_run: Path, small_config: list[str], t2w: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from t2w.runs import stage_eval

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(stage_eval, "run", interrupt)
        stopped = t2w("run", *small_config, f"out={run}")
    assert stopped.code == 130
    assert "the same command goes on" in stopped.err
    assert t2w("run", *small_config, f"out={run}").code == 0
    boards = [json.loads((folder / "scoreboard.json").read_text()) for folder in (finished_run, run)]
    assert boards[0]["rows"] == boards[1]["rows"]


def test_ranges_of_adapters_add_up(finished_run: Path, small_config: list[str], t2w: Callable, tmp_path: Path) -> None:
    import torch

    from t2w.adapters.store import WeightDataset

    run = tmp_path / "run"
    shutil.copytree(finished_run, run, ignore=shutil.ignore_patterns("adapters"))
    for begin, end in ((0, 20), (20, 48)):
        outcome = t2w("adapters", *small_config, f"out={run}", f"tasks.begin={begin}", f"tasks.end={end}")
        assert outcome.code == 0
    made, whole = (WeightDataset.open(folder / "adapters" / "weights").vectors for folder in (run, finished_run))
    assert torch.allclose(made, whole, rtol=1e-5, atol=1e-6)
    assert json.loads((run / "adapters" / "stage.json").read_text())["finished"]


def test_report_is_written_and_shows_the_figures(finished_run: Path) -> None:
    page = (finished_run / "report.html").read_text()
    board = json.loads((finished_run / "scoreboard.json").read_text())
    for row in board["rows"]:
        assert row["method"] in page
        assert f"{100 * row['accuracy']:.1f}" in page
    assert page.count("data:image/png;base64,") > 20
