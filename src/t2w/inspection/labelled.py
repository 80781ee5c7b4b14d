"""Labelled pictures as features: a folder, or an archive, with a folder for each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from t2w.datasets.folder import load_whole_folder
from t2w.encoders import VisionEncoder
from t2w.errors import T2WError
from t2w.evaluation.class_folders import match_folders
from t2w.features import extract

__all__ = ["Labelled", "labelled_pictures"]


@dataclass(frozen=True, eq=False)
class Labelled:
    """N pictures.

    Attributes:
        features: (N, d) float32.
        labels: (N,) int64 class positions; a class may have none.
    """

    features: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def halves(self, *, seed: int = 0) -> tuple[Labelled, Labelled]:
        """Two halves of every class, drawn by `seed`; of an odd number the second half has one more."""
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        first = torch.zeros(len(self), dtype=torch.bool)
        for k in self.labels.unique().tolist():
            own = order[self.labels[order] == k]
            first[own[: len(own) // 2]] = True
        return self.where(first), self.where(~first)

    def where(self, mask: Tensor) -> Labelled:
        return Labelled(self.features[mask], self.labels[mask])


def labelled_pictures(
    encoder: VisionEncoder, classes: Sequence[str], path: str | Path, *, skip_unknown: bool = False
) -> Labelled:
    """Read and encode the pictures of some classes.

    Args:
        encoder: the classifier's.
        classes: its class names.
        path: a folder or archive with a folder of images per class; of some classes there may be none.
        skip_unknown: leave out folders that mean none of the classes.

    Raises:
        T2WError: no such folders, one that means none of the classes or several, two that mean the same, or an image
            that cannot be read.
    """
    path = Path(path)
    if not path.exists():
        raise T2WError(f"there is no {path}", expected="a folder or zip with a folder of images for every class")
    images = load_whole_folder(path)
    found, _ = match_folders(path, images.class_names, classes, skip_unknown=skip_unknown)
    features = extract(encoder, replace(images.of_classes(list(found.values())), name=path.stem))
    return Labelled(features.dense().float(), torch.tensor(list(found))[features.labels])
