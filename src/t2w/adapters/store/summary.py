"""A look at a weight dataset: how accurate, how spread, and what a normaliser would make of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import prod
from statistics import fmean
from typing import Any

import torch

from t2w.adapters.store.dataset import WeightDataset
from t2w.adapters.store.figures import Moments
from t2w.adapters.store.table import render_summary
from t2w.errors import T2WError

__all__ = ["Accuracies", "ByClasses", "LayerFigures", "Summary", "summarise"]

_BINS = 20
_BATCH = 64  # vectors in memory at a time


@dataclass(frozen=True)
class Accuracies:
    """Accuracies of one kind over the adapters that have it.

    Attributes:
        count: adapters with this figure.
        mean, lowest, highest: in 0..1.
        histogram: counts in 20 equal bins of 0..1, the last with its right edge.
    """

    count: int
    mean: float
    lowest: float
    highest: float
    histogram: tuple[int, ...]


@dataclass(frozen=True)
class ByClasses:
    """The adapters of tasks with one number of classes; accuracies are means in 0..1, None where there are none."""

    classes: int
    count: int
    validation_accuracy: float | None
    test_accuracy: float | None


@dataclass(frozen=True)
class LayerFigures:
    """One parameter of the adapters, over all adapters and coordinates.

    Attributes:
        name, shape: as in `AdapterSpec.layout`.
        mean, std: of the weights.
        base_norm: Euclidean norm of the base's.
        difference_norm: mean over adapters of the norm of (weights - base).
        difference_mean: mean of (weights - base), which is the normaliser's mean constants averaged over coordinates.
        difference_std: root mean square over coordinates of the normaliser's std constants.
        difference_std_range: the smallest and the largest std of a coordinate.
    """

    name: str
    shape: tuple[int, ...]
    mean: float
    std: float
    base_norm: float
    difference_norm: float
    difference_mean: float
    difference_std: float
    difference_std_range: tuple[float, float]


@dataclass(frozen=True)
class Summary:
    """What there is to say of a weight dataset.

    Attributes:
        folder, fingerprint, recipe, seed: whose it is.
        count: adapters here.
        total: tasks of the job.
        size: numbers per adapter, P.
        bytes: of all shards on disk.
        seconds: time spent making them, added up over shards.
        loss: mean training loss, nats.
        steps: (smallest, largest) number of optimiser steps.
        validation: accuracy on training images held out; None where none were.
        test: accuracy on the official test images; None where not measured. Nothing may be chosen by it.
        by_classes: by number of classes, ascending.
        layers: in the order of the layout.
    """

    folder: str
    fingerprint: str
    recipe: str
    seed: int
    count: int
    total: int
    size: int
    bytes: int
    seconds: float
    loss: float
    steps: tuple[int, int]
    validation: Accuracies | None
    test: Accuracies | None
    by_classes: tuple[ByClasses, ...]
    layers: tuple[LayerFigures, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    def render(self) -> str:
        """As text tables, 80 columns."""
        return render_summary(self.to_dict())


def summarise(dataset: WeightDataset) -> Summary:
    """Read all vectors once, a few at a time.

    Raises:
        T2WError: the dataset is empty, or a shard can no longer be read.
    """
    if not len(dataset):
        raise T2WError("no adapters to summarise", expected="at least one")
    records = dataset.records
    groups = defaultdict(list)
    for record in records:
        groups[len(record.class_names)].append(record)
    return Summary(
        folder=str(dataset.folder),
        fingerprint=dataset.fingerprint,
        recipe=str(dataset.provenance[0].get("recipe", "?")) if dataset.provenance else "?",
        seed=int(dataset.identity["seed"]),
        count=len(dataset),
        total=dataset.total,
        size=dataset.spec.size,
        bytes=sum(path.stat().st_size for path in dataset.files),
        seconds=float(sum(made.get("seconds", 0.0) for made in dataset.provenance)),
        loss=fmean(record.loss for record in records),
        steps=(min(record.steps for record in records), max(record.steps for record in records)),
        validation=_accuracies(record.validation_accuracy for record in records),
        test=_accuracies(record.test_accuracy for record in records),
        by_classes=tuple(
            ByClasses(
                classes=classes,
                count=len(group),
                validation_accuracy=_mean(record.validation_accuracy for record in group),
                test_accuracy=_mean(record.test_accuracy for record in group),
            )
            for classes, group in sorted(groups.items())
        ),
        layers=_layers(dataset),
    )


def _accuracies(values: Iterable[float | None]) -> Accuracies | None:
    there = [value for value in values if value is not None]
    if not there:
        return None
    # Not torch.histc: its float32 edges put 0.35 of float64 into the bin below.
    bins = [0] * _BINS
    for value in there:
        bins[min(int(value * _BINS + 1e-6), _BINS - 1)] += 1
    return Accuracies(len(there), fmean(there), min(there), max(there), tuple(bins))


def _mean(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return fmean(there) if there else None


def _layers(dataset: WeightDataset) -> tuple[LayerFigures, ...]:
    layout = dataset.spec.layout
    sizes = [prod(shape) for _, shape in layout]
    base = dataset.base.to(torch.float64)
    differences = Moments(dataset.spec.size)
    norms = torch.zeros(len(layout), dtype=torch.float64)
    for vectors in dataset.batches(_BATCH):
        difference = vectors.to(torch.float64) - base
        differences.add(difference)
        norms += torch.stack([piece.norm(dim=1).sum() for piece in difference.split(sizes, dim=1)])
    pieces = zip(
        layout, base.split(sizes), differences.mean.split(sizes), differences.std.split(sizes), norms / len(dataset),
        strict=True,
    )  # fmt: skip
    layers = []
    for (name, shape), start, mean, std, norm in pieces:
        centre = start + mean  # each coordinate's mean weight
        layers.append(
            LayerFigures(
                name=name,
                shape=tuple(shape),
                mean=float(centre.mean()),
                # Law of total variance: within coordinates, and between them.
                std=float(((std**2).mean() + centre.var(correction=0)).sqrt()),
                base_norm=float(start.norm()),
                difference_norm=float(norm),
                difference_mean=float(mean.mean()),
                difference_std=float((std**2).mean().sqrt()),
                difference_std_range=(float(std.min()), float(std.max())),
            )
        )
    return tuple(layers)
