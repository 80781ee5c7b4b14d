"""Stages in order; a stage whose inputs are unchanged and whose files are complete is not repeated."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from operator import getitem
from pathlib import Path
from time import monotonic
from typing import Any

from tqdm import tqdm

from t2w.config import Config
from t2w.devices import is_main_process, process_count
from t2w.errors import T2WError
from t2w.files import fingerprint, read_json, write_json
from t2w.runs.folder import claimed, record_run
from t2w.runs.run import Run
from t2w.runs.stage_features import check_vision_encoder

__all__ = ["STAGES", "Stage", "run_stages", "stage_fingerprint", "stage_record"]

log = logging.getLogger("t2w")


@dataclass(frozen=True)
class Stage:
    """One step of a run; the module `t2w.runs.stage_<name>` does it, in a folder of that name.

    Its `run(run)` returns False when only a part of the work was asked for.
    """

    after: tuple[str, ...]  # the stages whose results it reads
    sections: tuple[str, ...]  # the configuration sections that determine its result (dotted: one key of a section)
    version: int = 1  # raised when the code changes what comes out, so that old results are not taken for new ones


STAGES = {
    "tasks": Stage((), ("dataset", "encoder.template", "encoder.text_mode", "tasks")),
    "features": Stage(("tasks",), ("dataset", "encoder")),
    "concepts": Stage(("features",), ("encoder", "recipe.validation_fraction")),
    "adapters": Stage(("concepts",), ("adapters", "recipe", "seed")),
    "train": Stage(("adapters",), ("generator", "diffusion.timesteps", "train", "seed")),
    "eval": Stage(("train",), ("diffusion", "eval", "recipe", "seed"), version=2),
}


def run_stages(run: Run, last: str = "eval") -> None:
    """Do what is missing up to and including the stage `last`.

    Raises:
        T2WError: whatever the stages find wrong, or another process at work in the folder.
    """
    _check_start(run, last)
    if is_main_process():
        record_run(run)
        _log_to_file(run.path("log.txt").resolve())
    # Processes that each make a range of adapters begin together: the first draws tasks and features for all.
    order, patient = list(STAGES), last == "adapters"
    for name in order[: order.index(last) + 1]:
        if _is_done(run, name):
            log.info("%s: done before", name)
            continue
        if process_count() > 1 and name != "train":
            raise T2WError(
                f"{name} is not done yet, and {process_count()} processes were started",
                expected="several processes for training alone",
                fix=f"do it in one process first: t2w {name} ...",
            )
        with claimed(run, shared=name == "adapters", wait=patient):
            if not _is_done(run, name) and not _do(run, name):
                return
        patient = True


def _log_to_file(path: Path) -> None:
    """Also write to this file, with times, and to that of no other run."""
    for handler in [handler for handler in log.handlers if isinstance(handler, logging.FileHandler)]:
        if handler.baseFilename == str(path):
            return
        log.removeHandler(handler)
        handler.close()
    file = logging.FileHandler(path, encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(file)


def _check_start(run: Run, last: str) -> None:
    """Raises T2WError at the first thing wrong with device, data, training and encoders, before anything is written."""
    config = run.config
    _ = run.device
    tasks = len(run.planned.of("train"))
    if last in ("train", "eval") and config.train.batch_size > tasks:
        raise T2WError(
            f"train.batch_size is {config.train.batch_size}",
            expected=f"at most {tasks}, the number of training tasks",
            fix="set it lower, or tasks.n_train higher",
        )
    if config.train.select == "validation_accuracy" and not config.recipe.validation_fraction:
        raise T2WError(
            "train.select is 'validation_accuracy' and recipe.validation_fraction is 0",
            fix="hold images out to measure it on, e.g. 0.1, or set train.select=validation_loss",
        )
    _ = run.text_encoder
    if not stage_record(run.folder, "features").get("finished"):
        check_vision_encoder(run)


def _is_done(run: Run, name: str) -> bool:
    record = stage_record(run.folder, name)
    return record.get("finished") is True and record["fingerprint"] == stage_fingerprint(run.config, name)


def _do(run: Run, name: str) -> bool:
    """Do a stage, or go on with it; what it left for other inputs is removed. False: only a part was asked for."""
    log.info("%s: ...", name)
    record = {"fingerprint": stage_fingerprint(run.config, name), "finished": False}
    before = stage_record(run.folder, name)
    if before and before["fingerprint"] != record["fingerprint"]:
        log.info("%s: its inputs have changed", name)
        run.forget()
        if is_main_process():
            shutil.rmtree(run.path(name))
    if is_main_process():
        write_json(run.path(name, "stage.json"), record)
    start = monotonic()
    work: Callable[[Run], bool | None] = import_module(f"t2w.runs.stage_{name}").run
    if work(run) is False:
        return False
    seconds = monotonic() - start
    if is_main_process():
        write_json(run.path(name, "stage.json"), record | {"finished": True, "seconds": round(seconds, 1)})
    log.info("%s: done in %s", name, tqdm.format_interval(seconds))
    return True


def stage_record(folder: Path, name: str) -> dict[str, Any]:
    """What a stage left about itself: {"fingerprint", "finished", "seconds"}; empty when it never began.

    Seconds are those of the last, finishing attempt.
    """
    path, fix = folder / name / "stage.json", "remove it to do the stage again"
    if not path.exists():
        return {}
    record = read_json(path, what="the record of a stage", fix=fix)
    if not isinstance(record, dict) or "fingerprint" not in record:
        raise T2WError(f"{path} is not the record of a stage", fix=fix)
    return record


def stage_fingerprint(config: Config, name: str) -> str:
    """Hash of all that determines a stage's result, the stages before it included."""
    stage, values = STAGES[name], config.results()
    used = {section: reduce(getitem, section.split("."), values) for section in stage.sections}
    return fingerprint([name, stage.version, used, [stage_fingerprint(config, before) for before in stage.after]])
