"""A job small enough to be done in a moment, and a process that does it slowly enough to be killed on the way.

As a script: `python tiny_job.py FOLDER --begin 0 --end 96 ...` prints the factory's report as JSON; exit code 2 with
one line on stderr for a T2WError, as the command line does.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch

from t2w.adapters import AdapterSpec, TrainedAdapters, recipe, train_tasks
from t2w.adapters.factory import AdapterJob, make_adapters
from t2w.errors import T2WError
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


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--begin", type=int, default=0)
    parser.add_argument("--end", type=int, default=None)
    parser.add_argument("--shard-size", type=int, default=SHARD)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--launcher", default="local")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        report = make_adapters(
            options.folder,
            job=tiny_job(),
            begin=options.begin,
            end=options.end,
            device="cpu",
            shard_size=options.shard_size,
            launcher=options.launcher,
            trainer=partial(slow_trainer, seconds=options.seconds),
        )
    except T2WError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print(json.dumps({key: getattr(report, key) for key in ("found", "made", "written", "damaged")}))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
