"""Stages in order; a stage whose inputs are unchanged and whose files are complete is not repeated."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any

from tqdm import tqdm

from t2w.config import Config
from t2w.devices import is_main_process, process_count, resolve_device
from t2w.errors import T2WError
from t2w.files import fingerprint, read_json, write_json
from t2w.runs.folder import Run, identity, record_run
from t2w.runs.logs import log_to_file
from t2w.runs.stage_tasks import plan

__all__ = ["STAGES", "Stage", "check_inputs", "run_stages", "stage_record"]

log = logging.getLogger("t2w")


@dataclass(frozen=True)
class Stage:
    """One step of a run.

    Attributes:
        name: also its folder and its module `t2w.runs.stage_<name>`, whose `run(run)` does the work and returns False
            when only a part of it was asked for.
        after: the stages whose results it reads.
        sections: the configuration sections that determine its result (dotted: one key of a section).
        version: raised when the code changes what comes out, so that old results are not taken for new ones.
    """

    name: str
    after: tuple[str, ...]
    sections: tuple[str, ...]
    version: int = 1


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("tasks", (), ("dataset", "encoder.template", "encoder.text_mode", "tasks")),
        Stage("features", ("tasks",), ("dataset", "encoder")),
        Stage("concepts", ("features",), ("encoder", "recipe.validation_fraction")),
        Stage("adapters", ("concepts",), ("adapters", "recipe", "seed")),
        Stage("train", ("adapters",), ("generator", "diffusion.timesteps", "train", "seed")),
        Stage("eval", ("train",), ("diffusion", "eval", "recipe", "seed"), version=2),
    )
}


def run_stages(run: Run, last: str = "eval") -> None:
    """Do what is missing up to and including the stage `last`.

    Raises:
        T2WError: whatever the stages find wrong.
    """
    check_inputs(run.config, last)
    if not stage_record(run.folder, "features").get("finished"):
        import_module("t2w.runs.stage_features").check_vision_encoder(run.config)
    if is_main_process():
        record_run(run)
        log_to_file(run.folder)
    order = list(STAGES)
    for name in order[: order.index(last) + 1]:
        if _is_done(run, name):
            log.info("%s: done before", name)
        elif process_count() > 1 and name != "train":
            raise T2WError(
                f"{name} is not done yet, and {process_count()} processes were started",
                expected="several processes for training alone",
                fix=f"do it in one process first: t2w {name} ...",
            )
        elif not _do(run, name):
            return


def check_inputs(config: Config, last: str = "eval") -> None:
    """Find what is wrong with data, device, text encoder and batch size before anything is written.

    Args:
        last: the stage after which the run ends.

    Raises:
        T2WError: the first problem.
    """
    from t2w.encoders import load_text_encoder

    resolve_device(config.device)
    tasks = len(plan(config).of("train"))
    if last in ("train", "eval") and config.train.batch_size > tasks:
        raise T2WError(
            f"train.batch_size is {config.train.batch_size}",
            expected=f"at most {tasks}, the number of training tasks",
            fix="set it lower, or tasks.n_train higher",
        )
    load_text_encoder(config.encoder.path or config.encoder.name)


def _is_done(run: Run, name: str) -> bool:
    """Whether a stage is finished; what it left for other inputs is removed."""
    record = stage_record(run.folder, name)
    if record and record["fingerprint"] != stage_fingerprint(run.config, name):
        log.info("%s: its inputs have changed", name)
        if not is_main_process():
            return False
        shutil.rmtree(run.path(name))
    return stage_record(run.folder, name).get("finished") is True


def _do(run: Run, name: str) -> bool:
    """Do a stage; False when only a part of it was asked for."""
    log.info("%s: ...", name)
    record = {"fingerprint": stage_fingerprint(run.config, name), "finished": False}
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
    path = folder / name / "stage.json"
    if not path.exists():
        return {}
    record = read_json(path, what="the record of a stage", fix="remove it to do the stage again")
    if not isinstance(record, dict) or "fingerprint" not in record:
        raise T2WError(f"{path} is not the record of a stage", fix="remove it to do the stage again")
    return record


def stage_fingerprint(config: Config, name: str) -> str:
    """Hash of all that determines a stage's result, the stages before it included."""
    stage = STAGES[name]
    values = identity(config)
    used = {section: _value(values, section) for section in stage.sections}
    return fingerprint([name, stage.version, used, [stage_fingerprint(config, before) for before in stage.after]])


def _value(values: Any, dotted: str) -> Any:
    for key in dotted.split("."):
        values = values[key]
    return values
