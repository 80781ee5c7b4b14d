"""Stage `adapters`: adapters/base.safetensors and the weight dataset of training and validation tasks."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import torch

from t2w.adapters import AdapterSpec, train_base
from t2w.adapters.factory import AdapterJob, make_adapters
from t2w.adapters.store import WeightDataset
from t2w.devices import resolve_dtype
from t2w.files import save_tensors
from t2w.runs.run import Run
from t2w.tasks import Task

__all__ = ["make_for_tasks", "run"]

log = logging.getLogger("t2w")


def run(run: Run) -> bool:
    """False when only a range of the tasks was asked for and others are still missing."""
    path, tasks, section = run.path("adapters", "base.safetensors"), run.task_set, run.config.tasks
    if not path.exists():
        _train_base(run, path)
    both = (*tasks.of("train"), *tasks.of("validation"))
    return make_for_tasks(run, both, run.path("adapters", "weights"), begin=section.begin, end=section.end)


def make_for_tasks(run: Run, tasks: Sequence[Task], folder: Path, *, begin: int = 0, end: int | None = None) -> bool:
    """Train the adapters of `tasks` into `folder`; True when all of them are there."""
    config = run.config
    train, test = run.features
    spec, starts = run.task_adapters
    base = run.base.vector if starts is None else torch.zeros(spec.size)
    job = AdapterJob.from_tasks(
        tasks, spec=spec, base=base, starts=starts, train=train, test=test, text=run.class_text, recipe=config.recipe,
        seed=config.seed, dtype=_dtype(run),
    )  # fmt: skip
    report = make_adapters(
        folder, job=job, begin=begin, end=end, device=config.device, shard_size=config.adapters.shard_size,
        group_size=config.adapters.group_size, launcher=config.launcher.name, address=config.launcher.address,
    )  # fmt: skip
    weights = WeightDataset.open(folder, complete=False)
    log.info("adapters: %d made, %d found, %d of %d there", report.made, report.found, len(weights), weights.total)
    return len(weights) == weights.total


def _dtype(run: Run) -> torch.dtype:
    """What adapters are trained in.

    `adapters.dtype=auto` is decided by the clock, which may decide otherwise tomorrow or on another machine. So it is
    decided once, recorded with the base adapter, and read back from then on.
    """
    name = run.config.adapters.dtype
    return resolve_dtype(run.base.dtype if name == "auto" else name, run.device)


def _train_base(run: Run, path: Path) -> None:
    config, (train, _), text = run.config.adapters, run.features, run.class_text
    spec = AdapterSpec(train.dim, config.hidden, text.shape[1], config.logit_scale)
    result = train_base(
        spec, train, text, classes=run.seen, seed=run.config.seed, device=run.device, **config.base.to_dict(),
        validation_fraction=run.config.recipe.validation_fraction,
    )  # fmt: skip
    dtype = str(resolve_dtype(config.dtype, run.device)).removeprefix("torch.")
    save_tensors(path, {"vector": result.vector, "losses": result.losses}, {"spec": spec.to_dict(), "dtype": dtype})
