"""One shard of a job as a pure function of (job, range of positions): train, measure, and write down what was done."""

from __future__ import annotations

import math
import platform
from collections.abc import Callable
from importlib.metadata import version
from time import monotonic

import torch

from t2w.adapters.accuracy import accuracy
from t2w.adapters.batched import TrainedAdapters
from t2w.adapters.factory.job import AdapterJob
from t2w.adapters.store import AdapterRecord, Shard
from t2w.devices import resolve_device
from t2w.seeds import derive_seed

__all__ = ["make_shard"]


def make_shard(
    job: AdapterJob,
    begin: int,
    end: int,
    *,
    device: str,
    group_size: int | None,
    trainer: Callable[..., TrainedAdapters],
    on_group: Callable[[int], None] | None = None,
) -> Shard:
    """The adapters of the positions [begin, end) of a job, trained together.

    Args:
        device, group_size, trainer: as `make_adapters` takes them.
        on_group: called with the number of adapters just finished.
    """
    started, positions, on = monotonic(), slice(begin, end), resolve_device(device)
    trained = trainer(
        job.spec,
        job.base if job.starts is None else job.starts.of(job.spec, job.tasks[positions]),
        job.train,
        job.text,
        job.tasks[positions],
        job.task_ids[positions],
        recipe=job.recipe,
        seed=job.seed,
        device=on,
        dtype=job.dtype,
        group_size=group_size,
        on_group=on_group,
    )
    vectors = trained.vectors.to("cpu", torch.float32)
    tested: list[float | None] = [None] * (end - begin)
    if job.test is not None:
        tested = accuracy(job.spec, vectors, job.test, job.text, job.tasks[positions], device=on).tolist()
    validated = [None if math.isnan(value) else value for value in trained.validation_accuracy.tolist()]
    records = tuple(
        AdapterRecord(
            position=i,
            task_id=job.task_ids[i],
            class_names=tuple(job.train.class_names[c] for c in job.tasks[i]),
            seed=derive_seed(job.seed, "adapter", job.task_ids[i]),
            steps=int(trained.steps[row]),
            loss=float(trained.losses[row]),
            validation_accuracy=validated[row],
            test_accuracy=tested[row],
            split=job.splits[i] if job.splits else None,
        )
        for row, i in enumerate(range(begin, end))
    )
    classes = {c for task in job.tasks[positions] for c in task}
    name = torch.cuda.get_device_name(on) if on.type == "cuda" else platform.machine()
    return Shard(
        begin=begin,
        end=end,
        total=len(job),
        fingerprint=job.fingerprint,
        identity=job.identity,
        spec=job.spec,
        vectors=vectors,
        base=job.base.to("cpu", torch.float32),
        records=records,
        texts={job.train.class_names[c]: job.texts[c] for c in sorted(classes)} if job.texts else {},
        provenance={
            "t2w": version("t2w"),
            "torch": torch.__version__,
            "python": platform.python_version(),
            "device": f"{on.type} ({name})",
            "threads": torch.get_num_threads(),
            "group_size": group_size,
            "recipe": job.recipe.name,
            "seconds": round(monotonic() - started, 3),
        },
    )
