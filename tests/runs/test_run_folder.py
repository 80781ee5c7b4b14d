"""Who may work in a run folder, what is read in it how often, and what leaves its results alone."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from t2w.config import compose
from t2w.errors import T2WError
from t2w.files import read_json, write_json
from t2w.runs import open_run, run_stages
from t2w.runs.folder import claimed, stored_run


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A copy that may be written to."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def test_features_and_tasks_are_read_once(finished_run: Path, reads: Counter[str]) -> None:
    assert reads == {"features": 1, "tasks": 1}


def test_operational_keys_leave_a_finished_run_alone(run: Path, small_config: list[str], t2w: Callable) -> None:
    before = {path: path.stat().st_mtime_ns for path in (run / "train").rglob("*")}
    changes = ["train.log_every=7", "train.validate_every=9", "train.checkpoint_every=3", "train.keep=4",
               "train.trackers=[tensorboard]", "adapters.shard_size=7", "adapters.group_size=2", "device=cpu",
               "encoder.cache=null"]  # fmt: skip
    outcome = t2w("run", *small_config, f"out={run}", *changes)
    assert outcome.code == 0, outcome.err
    assert outcome.err.count("done before") == 6
    assert {path: path.stat().st_mtime_ns for path in (run / "train").rglob("*")} == before


def test_training_goes_on_with_another_operational_key(run: Path, small_config: list[str], t2w: Callable) -> None:
    record = run / "train" / "stage.json"
    write_json(record, {**read_json(record), "finished": False})
    (run / "train" / "generator.safetensors").unlink()
    outcome = t2w("train", *small_config, f"out={run}", "train.log_every=5")
    assert outcome.code == 0, outcome.err
    assert "goes on with log_every = 5; it was 10" in outcome.err
    assert "goes on after step 20" in outcome.err


def test_the_steps_between_validations_count_where_the_best_is_chosen_by_them() -> None:
    chosen = "train.select=validation_loss"
    assert _results() == _results("train.validate_every=7")
    assert _results(chosen) != _results(chosen, "train.validate_every=7")


def _results(*overrides: str) -> dict[str, object]:
    return compose(["experiment=digits", *overrides]).results()


def test_a_second_process_is_told_who_is_at_work(run: Path, small_config: list[str], t2w: Callable) -> None:
    command = ["tasks", *small_config, f"out={run}", "eval.bootstrap=300", "--update"]
    before = json.loads((run / "run.json").read_text())
    with claimed(stored_run(run)):
        refused = t2w(*command)
        assert refused.code == 2
        assert f"process {os.getpid()} on " in refused.err
        assert "is at work in" in refused.err
        assert json.loads((run / "run.json").read_text()) == before
        assert t2w("run", *small_config, f"out={run}").code == 0  # nothing to do: nobody is in the way
    assert t2w(*command).code == 0


def test_processes_of_a_range_of_adapters_wait_for_each_other(small_config: list[str], tmp_path: Path) -> None:
    run = open_run(compose([*small_config, f"out={tmp_path / 'run'}", "tasks.end=1"]))
    run_stages(run, "tasks")
    other = threading.Thread(target=run_stages, args=(open_run(run.config), "adapters"))
    with claimed(run):
        other.start()
        other.join(timeout=1.0)
        assert other.is_alive()
        assert not (run.folder / "features").exists()
    other.join(timeout=60)
    assert (run.folder / "adapters" / "base.safetensors").exists()


def test_the_adapters_stage_may_be_shared(run: Path) -> None:
    here = stored_run(run)
    with claimed(here, shared=True), claimed(here, shared=True), pytest.raises(T2WError, match="is at work"):
        claimed(here).__enter__()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["train.batch_size=41"], "train.batch_size is 41; expected at most 40, the number of training tasks"),
        (["train.select=validation_accuracy", "recipe.validation_fraction=0"], "hold images out to measure it on"),
    ],
)
def test_what_training_cannot_do_is_said_at_the_start(
    change: list[str], said: str, small_config: list[str], t2w: Callable, tmp_path: Path
) -> None:
    refused = t2w("run", *small_config, f"out={tmp_path / 'run'}", *change)
    assert refused.code == 2
    assert said in refused.err
    assert not (tmp_path / "run").exists()


def test_adapters_alone_need_no_batch_of_training(small_config: list[str], tmp_path: Path) -> None:
    run = open_run(compose([*small_config, f"out={tmp_path / 'run'}", "train.batch_size=41"]))
    run_stages(run, "tasks")
    assert len(run.task_set.of("train")) == 40


def test_a_run_of_another_format_is_not_worked_in(run: Path, small_config: list[str], t2w: Callable) -> None:
    write_json(run / "run.json", {**read_json(run / "run.json"), "format": 1})
    refused = t2w("run", *small_config, f"out={run}", "--update")
    assert refused.code == 2
    assert "is a run of another version of t2w (format 1); expected format 2" in refused.err
