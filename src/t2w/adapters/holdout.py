"""Which training images are held out for validation: the same for the base and for every task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from t2w.seeds import derive_seed

if TYPE_CHECKING:
    from t2w.features import FeatureSet

__all__ = ["ClassRows", "class_rows", "held_out", "rows_of_task"]


@dataclass(frozen=True)
class ClassRows:
    """Rows of each class in a feature set.

    Attributes:
        train: per class, (images,) int64, ascending.
        held_out: per class, (images,) int64, ascending; empty where nothing is held out.
    """

    train: tuple[Tensor, ...]
    held_out: tuple[Tensor, ...]

    @property
    def counts(self) -> list[int]:
        """Training images of each class."""
        return [len(rows) for rows in self.train]


def rows_of_task(rows: Sequence[Tensor], classes: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The rows of some classes, class by class, and their labels: positions in `classes`."""
    own = [rows[c] for c in classes]
    return torch.cat(own), torch.arange(len(own)).repeat_interleave(torch.tensor([len(each) for each in own]))


def class_rows(features: FeatureSet, *, validation_fraction: float = 0.0) -> ClassRows:
    """Sort a feature set's rows by class and hold a share of each class out.

    The draw depends on the class's name and number of images alone, not on any seed or task, so that the base adapter
    and all tasks hold out the same images. At least one image of a class stays in training.
    """
    order = torch.argsort(features.labels, stable=True)
    sizes = torch.bincount(features.labels, minlength=len(features.class_names)).tolist()
    train, held_out = [], []
    for name, rows in zip(features.class_names, order.split(sizes), strict=True):
        count = min(round(validation_fraction * len(rows)), max(len(rows) - 1, 0))
        generator = torch.Generator().manual_seed(derive_seed("held out", name))
        shuffled = rows[torch.randperm(len(rows), generator=generator)] if count else rows
        held_out.append(shuffled[:count].sort().values)
        train.append(shuffled[count:].sort().values)
    return ClassRows(tuple(train), tuple(held_out))


def held_out(features: FeatureSet, validation_fraction: float) -> FeatureSet | None:
    """The images that nothing is trained on; None where a class has none."""
    rows = class_rows(features, validation_fraction=validation_fraction).held_out
    if not all(map(len, rows)):
        return None
    index = torch.cat(rows)
    return replace(features, features=features.features[index], labels=features.labels[index])
