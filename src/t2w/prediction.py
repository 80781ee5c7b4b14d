"""What a classifier says of images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from t2w.errors import T2WError

__all__ = ["PredictedBatch", "Prediction"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a classifier says of N images.

    Attributes:
        classes: the classes, in the order of the columns.
        probabilities: (N, n) softmax over the classes.
        labels: the most probable class of each image.
        none: (N,) bool, the image is more like other things that the encoder knows than like any of the classes; None
            where the classifier cannot tell, or was not asked.
        looks_like: the known thing that each image is most like; None where `none` is.
    """

    classes: tuple[str, ...]
    probabilities: Tensor
    labels: tuple[str, ...]
    none: Tensor | None = None
    looks_like: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def joined(cls, parts: Sequence[Prediction]) -> Prediction:
        """The predictions of one classifier for several batches, at least one, as one."""
        import torch

        none, looks_like = None, None
        if parts[0].none is not None:
            none = torch.cat([part.none for part in parts if part.none is not None])
            looks_like = tuple(name for part in parts for name in part.looks_like or ())
        labels = tuple(label for part in parts for label in part.labels)
        return cls(parts[0].classes, torch.cat([part.probabilities for part in parts]), labels, none, looks_like)


@dataclass(frozen=True, eq=False)
class PredictedBatch:
    """What a classifier says of some images among many.

    Attributes:
        positions: of the images among all.
        prediction: a row for each of them; None where every image of the batch was refused.
        refused: positions of the other images of the batch, and what is wrong with each.
    """

    positions: tuple[int, ...]
    prediction: Prediction | None
    refused: tuple[tuple[int, T2WError], ...]
