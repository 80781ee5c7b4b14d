"""ImageSet: the images of one split as they are stored, before any encoder's preprocessing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Literal

import numpy as np

from t2w.datasets.lazy import LazyImages
from t2w.errors import T2WError
from t2w.files import fingerprint
from t2w.tasks.class_names import renumbered

__all__ = ["ImageSet"]


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images with labels and where they come from.

    Attributes:
        images: N images, each (H, W) or (H, W, 3) uint8; one array where all have one size, else any sequence that
            can be sliced (it may read files only then).
        labels: (N,) int64, positions in `class_names`.
        class_names: all classes, in the dataset's order.
        split: "train" or "test".
        name: the dataset's name.
        licence: what one may do with the images.
        source: who made them and where they are.
        max_value: the value of a fully lit pixel (255 for photographs).
        provenance: how the split was made, JSON-like.

    Raises:
        T2WError: labels that do not fit the images or the class names.
    """

    images: np.ndarray | Sequence[np.ndarray]
    labels: np.ndarray
    class_names: tuple[str, ...]
    split: Literal["train", "test"]
    name: str
    licence: str
    source: str
    max_value: int = 255
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n, n_classes = len(self.images), len(self.class_names)
        if self.labels.shape != (n,) or self.labels.dtype != np.int64:
            raise T2WError(
                f"the labels of {self.name!r} are {self.labels.shape} {self.labels.dtype} for {n} images",
                expected=f"({n},) int64",
            )
        if n and (self.labels.min() < 0 or self.labels.max() >= n_classes):
            raise T2WError(
                f"the labels of {self.name!r} run from {self.labels.min()} to {self.labels.max()}",
                expected=f"0 to {n_classes - 1}, for {n_classes} classes",
            )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def fingerprint(self) -> str:
        """16 hex digits: equal for equal images, labels and class names.

        Files count by name and size (and, in a zip archive, by checksum), not by content.
        """
        images = self.images
        if isinstance(images, LazyImages):
            content: object = images.identity()
        else:
            content = [(image.shape, sha256(image.tobytes()).hexdigest()) for image in images]
        labels = sha256(self.labels.tobytes()).hexdigest()
        return fingerprint([self.name, self.split, self.class_names, labels, content])

    def of_classes(self, names: Sequence[str]) -> ImageSet:
        """The images of some classes only, labels renumbered to positions in `names`; the order is kept.

        Raises T2WError at an unknown class, or one twice.
        """
        numbers = renumbered(self.class_names, names, where=repr(self.name))
        labels = np.array(numbers, dtype=np.int64)[self.labels]
        kept = np.flatnonzero(labels >= 0)
        direct = isinstance(self.images, (np.ndarray, LazyImages))
        images = self.images[kept] if direct else [self.images[int(i)] for i in kept]  # type: ignore[call-overload]
        return replace(self, images=images, labels=labels[kept], class_names=tuple(names))
