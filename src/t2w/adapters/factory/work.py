"""A part of a job as a pure function of (job, range): train, measure, and put into a shard."""

from __future__ import annotations

import math
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

import torch

from t2w.adapters.factory.job import AdapterJob
from t2w.adapters.factory.plan import Part
from t2w.adapters.store import AdapterRecord, Shard
from t2w.devices import resolve_device
from t2w.seeds import derive_seed

if TYPE_CHECKING:
    from t2w.adapters.recipes import Recipe
    from t2w.adapters.spec import AdapterSpec
    from t2w.features import FeatureSet

__all__ = ["Scorer", "Tools", "Trained", "Trainer", "make_part"]


class Trained(Protocol):
    """What a trainer returns, see `t2w.adapters.TrainedAdapters`."""

    @property
    def vectors(self) -> torch.Tensor: ...
    @property
    def losses(self) -> torch.Tensor: ...
    @property
    def steps(self) -> torch.Tensor: ...
    @property
    def validation_accuracy(self) -> torch.Tensor: ...


class Trainer(Protocol):
    """Trains many tasks at once, see `t2w.adapters.train_tasks`."""

    def __call__(
        self,
        spec: AdapterSpec,
        base: torch.Tensor,
        features: FeatureSet,
        text: torch.Tensor,
        tasks: Sequence[Sequence[int]],
        task_ids: Sequence[int],
        *,
        recipe: Recipe,
        seed: int,
        device: torch.device,
        dtype: torch.dtype,
        group_size: int | None,
        on_group: Callable[[int], None] | None,
    ) -> Trained: ...


class Scorer(Protocol):
    """Test accuracy of adapters, see `t2w.adapters.accuracy`."""

    def __call__(
        self,
        spec: AdapterSpec,
        vectors: torch.Tensor,
        features: FeatureSet,
        text: torch.Tensor,
        tasks: Sequence[Sequence[int]],
        *,
        device: torch.device,
    ) -> torch.Tensor: ...


@dataclass(frozen=True)
class Tools:
    """How the work is done, which is no part of what comes out.

    Attributes:
        device: name of the torch device, or "auto".
        group_size: tasks trained together; None: what suits the device.
        trainer: None: `t2w.adapters.train_tasks`.
        scorer: None: `t2w.adapters.accuracy`.
    """

    device: str = "auto"
    group_size: int | None = None
    trainer: Trainer | None = None
    scorer: Scorer | None = None


def make_part(job: AdapterJob, part: Part, tools: Tools, on_done: Callable[[int], None] | None = None) -> Shard:
    """Train a part's whole shard, and keep the part: bitwise the same on one machine, whatever the part.

    Args:
        on_done: called with numbers of adapters done that add up to len(part).
    """
    from t2w.adapters import accuracy, train_tasks

    trainer: Trainer = tools.trainer or train_tasks
    scorer: Scorer = tools.scorer or accuracy
    device = resolve_device(tools.device)
    start = monotonic()
    together = slice(part.first, part.last)
    count = _Count(len(part), part.last - part.first, on_done)
    trained = trainer(
        job.spec,
        job.base_of(together),
        job.train,
        job.text,
        job.tasks[together],
        job.task_ids[together],
        recipe=job.recipe,
        seed=job.seed,
        device=device,
        dtype=job.dtype,
        group_size=tools.group_size,
        on_group=count.group,
    )
    mine = slice(part.begin - part.first, part.end - part.first)
    vectors = trained.vectors[mine].to("cpu", torch.float32)
    tested = None
    if job.test is not None:
        tasks = job.tasks[part.begin : part.end]
        tested = scorer(job.spec, vectors, job.test, job.text, tasks, device=device).tolist()
    figures = zip(
        range(part.begin, part.end),
        trained.losses[mine].tolist(),
        trained.steps[mine].tolist(),
        trained.validation_accuracy[mine].tolist(),
        tested or [None] * len(part),
        strict=True,
    )
    records = tuple(_record(job, *each) for each in figures)
    names = {name for record in records for name in record.class_names}
    texts = dict(zip(job.train.class_names, job.texts, strict=True)) if job.texts else {}
    return Shard(
        begin=part.begin,
        end=part.end,
        total=len(job),
        fingerprint=job.fingerprint,
        identity=job.identity,
        spec=job.spec,
        vectors=vectors,
        base=job.base.to("cpu", torch.float32),
        records=records,
        texts={name: texts[name] for name in job.train.class_names if name in names and name in texts},
        provenance=_provenance(job, tools, device, monotonic() - start),
    )


def _record(job: AdapterJob, i: int, loss: float, steps: int, validated: float, tested: float | None) -> AdapterRecord:
    return AdapterRecord(
        position=i,
        task_id=job.task_ids[i],
        class_names=tuple(job.train.class_names[c] for c in job.tasks[i]),
        seed=derive_seed(job.seed, "adapter", job.task_ids[i]),
        steps=int(steps),
        loss=loss,
        validation_accuracy=None if math.isnan(validated) else validated,
        test_accuracy=tested,
        split=job.splits[i] if job.splits else None,
    )


def _provenance(job: AdapterJob, tools: Tools, device: torch.device, seconds: float) -> dict[str, Any]:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {
        "t2w": version("t2w"),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": f"{device.type} ({name})",
        "threads": torch.get_num_threads(),
        "group_size": tools.group_size,
        "recipe": job.recipe.name,
        "seconds": round(seconds, 3),
    }


class _Count:
    """Tells of adapters of the part done, in step with those of the whole shard."""

    def __init__(self, wanted: int, trained: int, on_done: Callable[[int], None] | None) -> None:
        self._wanted, self._trained, self._on_done = wanted, trained, on_done
        self._done = self._told = 0

    def group(self, count: int) -> None:
        self._done += count
        news = self._done * self._wanted // self._trained - self._told
        self._told += news
        if self._on_done and news:
            self._on_done(news)
