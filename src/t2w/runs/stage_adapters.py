"""Stage `adapters`: adapters/base.safetensors and the weight dataset of training and validation tasks."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from t2w.adapters import AdapterSpec, Recipe, UnitStarts, train_base
from t2w.adapters.factory import AdapterJob, make_adapters
from t2w.adapters.store import WeightDataset, list_shards
from t2w.devices import resolve_device, resolve_dtype
from t2w.errors import T2WError
from t2w.files import load_tensors, read_metadata, save_tensors
from t2w.runs.folder import Run
from t2w.runs.stage_concepts import read_known
from t2w.runs.stage_features import read_features, read_texts
from t2w.runs.stage_tasks import read_task_set
from t2w.tasks import Task

__all__ = ["Base", "class_text", "make_for_tasks", "read_base", "read_weights", "run", "task_adapters"]

log = logging.getLogger("t2w")


@dataclass(frozen=True, eq=False)
class Base:
    """The base adapter: its sizes, weights (P,) and training losses (steps,)."""

    spec: AdapterSpec
    vector: torch.Tensor
    losses: torch.Tensor


def run(run: Run) -> bool:
    """False when only a range of the tasks was asked for and others are still missing."""
    if not _base_path(run).exists():
        _train_base(run)
    task_set = read_task_set(run)
    tasks = (*task_set.of("train"), *task_set.of("validation"))
    begin, end = run.config.tasks.begin, run.config.tasks.end
    return make_for_tasks(run, tasks, run.path("adapters", "weights"), begin=begin, end=end)


def make_for_tasks(run: Run, tasks: Sequence[Task], folder: Path, *, begin: int = 0, end: int | None = None) -> bool:
    """Train the adapters of `tasks` into `folder`; True when all of them are there."""
    config = run.config
    train, test = read_features(run)
    base = read_base(run)
    spec, starts = task_adapters(run)
    job = AdapterJob.from_tasks(
        tasks,
        spec=spec,
        base=base.vector if starts is None else torch.zeros(spec.size),
        starts=starts,
        train=train,
        test=test,
        text=class_text(run),
        recipe=Recipe(**config.recipe.model_dump()),
        seed=config.seed,
        dtype=_dtype(run),
    )
    report = make_adapters(
        folder,
        job=job,
        begin=begin,
        end=end,
        device=config.device,
        shard_size=config.adapters.shard_size,
        group_size=config.adapters.group_size,
        launcher=config.launcher.name,
        address=config.launcher.address,
    )
    weights = WeightDataset.open(folder, complete=False)
    log.info("adapters: %d made, %d found, %d of %d there", report.made, report.found, len(weights), weights.total)
    return len(weights) == weights.total


def _dtype(run: Run) -> torch.dtype:
    """What adapters are trained in.

    `adapters.dtype=auto` is decided by the clock, which may decide otherwise tomorrow or on another machine. So it is
    decided once, recorded with the base adapter, and read back from then on; of a run whose base has no such record,
    from the shards that are there.
    """
    name: str = run.config.adapters.dtype
    if name == "auto":
        name = read_metadata(_base_path(run)).get("dtype") or _dtype_of_shards(run.path("adapters", "weights")) or name
    return resolve_dtype(name, resolve_device(run.config.device))


def _dtype_of_shards(folder: Path) -> str | None:
    for path in list_shards(folder):
        with suppress(T2WError, OSError, KeyError, TypeError):  # a damaged one is the factory's to report
            return str(read_metadata(path)["identity"]["dtype"])
    return None


def _train_base(run: Run) -> None:
    config = run.config.adapters
    train, _ = read_features(run)
    text = class_text(run)
    spec = AdapterSpec(train.dim, config.hidden, text.shape[1], config.logit_scale)
    seen, device = read_task_set(run).seen_classes, resolve_device(run.config.device)
    result = train_base(
        spec,
        train,
        text,
        classes=[train.class_names.index(name) for name in seen],
        steps=config.base.steps,
        batch_size=config.base.batch_size,
        learning_rate=config.base.learning_rate,
        validation_fraction=run.config.recipe.validation_fraction,
        seed=run.config.seed,
        device=device,
    )
    dtype = str(resolve_dtype(config.dtype, device)).removeprefix("torch.")
    tensors = {"vector": result.vector, "losses": result.losses}
    save_tensors(_base_path(run), tensors, {"spec": spec.to_dict(), "dtype": dtype})


def task_adapters(run: Run) -> tuple[AdapterSpec, UnitStarts | None]:
    """The sizes of the adapters of single tasks, and where each starts; None: at the base, whose sizes they have."""
    config, base = run.config.adapters, read_base(run)
    if config.kind == "shared":
        return base.spec, None
    known = read_known(run)
    spec = replace(base.spec, hidden=run.config.tasks.max_classes)
    return spec, UnitStarts(known.evidence.rows, known.evidence.text, config.gain / known.spread)


def class_text(run: Run) -> torch.Tensor:
    """(C, out) the class texts that adapters are compared with: of their meaning, where that was looked up."""
    return read_known(run).evidence.text if run.config.encoder.concepts else read_texts(run)[0]


def _base_path(run: Run) -> Path:
    return run.path("adapters", "base.safetensors")


def read_base(run: Run) -> Base:
    tensors, metadata = load_tensors(_base_path(run), what="a base adapter")
    return Base(AdapterSpec.from_dict(metadata["spec"]), tensors["vector"], tensors["losses"])


def read_weights(run: Run, *, complete: bool = True) -> WeightDataset:
    """The run's weight dataset; `complete` False: as much of it as there is."""
    return WeightDataset.open(run.path("adapters", "weights"), complete=complete)
