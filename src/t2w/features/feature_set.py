"""FeatureSet: the frozen features of one split, and whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from t2w.errors import T2WError
from t2w.tasks.class_names import renumbered

__all__ = ["FeatureSet"]

_BLOCK = 1 << 12  # rows checked at once
_DTYPES = (torch.float32, torch.bfloat16, torch.int8)


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """Image features of one split, kept as small as they came.

    Attributes:
        features: (N, d), float32, bfloat16 or int8.
        scale: (d,) float32, the feature is then `row * scale`; None where the rows are the features.
        labels: (N,) int64, positions in `class_names`.
        class_names: all classes, in the dataset's order (a class may have no image here).
        encoder: identity of the vision encoder.
        preprocessing: hash of what was done to the images before it.
        split: "train" or "test".

    Raises:
        T2WError: shapes, types, labels or names that do not fit together, or a feature that is not finite.
    """

    features: Tensor
    scale: Tensor | None
    labels: Tensor
    class_names: tuple[str, ...]
    encoder: str
    preprocessing: str
    split: Literal["train", "test"]

    def __post_init__(self) -> None:
        _check(self)

    def __len__(self) -> int:
        return len(self.features)

    @property
    def dim(self) -> int:
        """Number of features of an image, d."""
        return self.features.shape[1]

    def rows(self, index: Tensor | Sequence[int]) -> Tensor:
        """The features of some images, (len(index), d) float32."""
        return self._real(self.features[torch.as_tensor(index, device=self.features.device)])

    def dense(self) -> Tensor:
        """All features, (N, d) float32: 4 bytes each, where int8 takes one."""
        return self._real(self.features)

    def _real(self, rows: Tensor) -> Tensor:
        rows = rows.to(torch.float32)
        return rows if self.scale is None else rows * self.scale

    def of_classes(self, names: Sequence[str]) -> FeatureSet:
        """The images of some classes only, labels renumbered to positions in `names`. Row order is kept.

        Raises:
            T2WError: an unknown class, or one twice.
        """
        numbers = renumbered(self.class_names, names, where=f"the set of {self.split} features")
        labels = torch.tensor(numbers, device=self.labels.device)[self.labels]
        kept = labels >= 0
        return replace(self, features=self.features[kept], labels=labels[kept], class_names=tuple(names))


def _check(f: FeatureSet) -> None:
    where = f"{f.split} features"
    if f.split not in ("train", "test"):
        raise T2WError(f"the split of the features is {f.split!r}", expected="'train' or 'test'")
    if f.features.ndim != 2 or f.features.shape[1] == 0 or f.features.dtype not in _DTYPES:
        raise T2WError(f"{where} are {_form(f.features)}", expected="(images, features) in float32, bfloat16 or int8")
    n, dim = f.features.shape
    if f.scale is not None and (tuple(f.scale.shape) != (dim,) or f.scale.dtype != torch.float32):
        raise T2WError(f"the scale of the {where} is {_form(f.scale)}", expected=f"({dim},) float32, one per feature")
    if f.scale is None and f.features.dtype == torch.int8:
        raise T2WError(f"{where} are int8 without a scale", expected=f"a scale of shape ({dim},)")
    if f.scale is not None and not bool(torch.isfinite(f.scale).all()):
        raise T2WError(f"the scale of the {where} has NaN or infinite values", fix="extract the features again")
    if tuple(f.labels.shape) != (n,) or f.labels.dtype != torch.int64:
        raise T2WError(f"the labels of the {where} are {_form(f.labels)}", expected=f"({n},) int64, one per image")
    if not f.class_names or len(set(f.class_names)) < len(f.class_names) or not all(s.strip() for s in f.class_names):
        bad = next((s for s in f.class_names if not s.strip() or f.class_names.count(s) > 1), None)
        found = f"class name {bad!r} is empty or stands there more than once" if f.class_names else "no class names"
        raise T2WError(found, expected="different names, one per class")
    if n and (int(f.labels.min()) < 0 or int(f.labels.max()) >= len(f.class_names)):
        raise T2WError(
            f"the labels of the {where} run from {int(f.labels.min())} to {int(f.labels.max())}",
            expected=f"0 to {len(f.class_names) - 1}, for {len(f.class_names)} class names",
        )
    if not f.features.is_floating_point():
        return
    # Block by block: a million rows need not be in memory.
    if bad_rows := sum(int((~torch.isfinite(block)).any(dim=1).sum()) for block in f.features.split(_BLOCK)):
        raise T2WError(f"{bad_rows} of {n} {where} hold NaN or infinite values", fix="extract the features again")


def _form(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
