"""The images of a task's classes: which are trained on, and which are held out, by the base and by every task alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from t2w.adapters.spec import AdapterSpec
from t2w.errors import T2WError
from t2w.features import FeatureSet
from t2w.seeds import derive_seed

__all__ = ["ClassRows", "check_classes", "check_sizes", "class_rows", "held_out", "rows_of_task"]


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


def check_sizes(spec: AdapterSpec, features: FeatureSet, text: Tensor) -> None:
    """Raises T2WError unless features and class texts have the adapter's sizes and there is a text for every class."""
    if features.dim != spec.in_features:
        raise T2WError(
            f"features of {features.dim} numbers per image",
            expected=f"{spec.in_features} (the adapter's in_features)",
            fix=f"set the adapter's in_features to {features.dim}, or use the features it was made for",
        )
    if text.dim() != 2 or text.shape[1] != spec.out_features:
        raise T2WError(
            f"class texts of shape {tuple(text.shape)}",
            expected=f"(classes, {spec.out_features}) (the adapter's out_features)",
            fix=f"set the adapter's out_features to {text.shape[-1]}, or use the text encoder it was made for",
        )
    if len(text) != (count := len(features.class_names)):
        raise T2WError(f"{len(text)} class texts for {count} classes", expected="one each, in the order of class_names")


def check_classes(classes: Sequence[int], counts: Sequence[int], names: Sequence[str], *, what: str) -> None:
    """Raises T2WError unless `classes` are two or more different class numbers, each with images.

    Args:
        counts: images of each class.
        what: the task, for the sentence, e.g. "task 7".
    """
    if len(classes) < 2:
        raise T2WError(f"{what} has {len(classes)} class(es)", expected="2 or more")
    if len(set(classes)) != len(classes):
        twice = next(c for c in classes if list(classes).count(c) > 1)
        raise T2WError(f"{what} names class {twice} twice", expected="different classes")
    for c in classes:
        if not 0 <= c < len(counts):
            expected = f"0..{len(counts) - 1} (there are {len(counts)} classes)"
            raise T2WError(f"{what} names class {c}", expected=expected)
        if counts[c] == 0:
            fix = "leave the class out, or extract its features"
            raise T2WError(f"class {c} ({names[c]!r}) of {what} has no images", expected="at least one", fix=fix)
