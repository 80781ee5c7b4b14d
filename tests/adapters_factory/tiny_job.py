"""A job small enough to be done in a moment, and a process that does it slowly enough to be killed on the way."""

from __future__ import annotations

import json
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch

from t2w.adapters import AdapterSpec, TrainedAdapters, recipe, train_tasks
from t2w.adapters.factory import AdapterJob, make_adapters
from t2w.features import FeatureSet

TASKS = 96
SHARD = 8


def tiny_job(*, seed: int = 0, **changes: Any) -> AdapterJob:
    """Three to seven of twelve Gaussian clouds per task, 188 weights per adapter."""
    generator = torch.Generator().manual_seed(11)
    classes, dim, out = 12, 16, 24
    centres = torch.randn(classes, dim, generator=generator)
    spec = AdapterSpec(dim, 4, out, 20.0)
    values: dict[str, Any] = {
        "spec": spec,
        "base": torch.randn(spec.size, generator=generator) * 0.2,
        "train": _features(centres, 20, "train", generator),
        "test": _features(centres, 10, "test", generator),
        "text": torch.nn.functional.normalize(torch.randn(classes, out, generator=generator), dim=-1),
        "tasks": tuple(tuple(torch.randperm(classes, generator=generator)[: 3 + i % 5].tolist()) for i in range(TASKS)),
        "task_ids": tuple(range(100, 100 + TASKS)),
        "recipe": recipe("fast", steps=20, validation_fraction=0.2),
        "texts": tuple(f"a photo of a cloud {c}" for c in range(classes)),
        "splits": tuple("validation" if i % 5 == 4 else "train" for i in range(TASKS)),
        "seed": seed,
    }
    return AdapterJob(**{**values, **changes})


def _features(centres: torch.Tensor, per_class: int, split: Any, generator: torch.Generator) -> FeatureSet:
    labels = torch.arange(len(centres)).repeat_interleave(per_class)
    x = centres[labels] + torch.randn(len(labels), centres.shape[1], generator=generator)
    return FeatureSet(x, None, labels, tuple(f"cloud {c}" for c in range(len(centres))), "synthetic", "none", split)


def slow_trainer(*args: Any, seconds: float, pids: str | None = None, **options: Any) -> TrainedAdapters:
    """The real trainer, so long that a process can be killed while it works; leaves its process id in `pids`."""
    if pids is not None:
        Path(pids, str(os.getpid())).touch()
    time.sleep(seconds)
    return train_tasks(*args, **options)


def make_slowly(folder: Path, *, seconds: float, pids: str | None = None, **options: Any) -> None:
    """What a process of its own does: make the job, slowly, and leave its report in `folder`."""
    torch.set_num_threads(1)
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)  # where Ray's workers find the trainer
    trainer = partial(slow_trainer, seconds=seconds, pids=pids)
    report = make_adapters(folder, job=tiny_job(), device="cpu", shard_size=SHARD, trainer=trainer, **options)
    Path(folder, f"{os.getpid()}.json").write_text(json.dumps(report.made))
