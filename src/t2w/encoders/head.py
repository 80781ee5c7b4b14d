"""A classifier's last layer: one row of weights for every class that an image model was trained to name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from t2w.errors import T2WError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ClassifierHead"]

_NO_NAME = re.compile(r"|(label|class)?[ _]?\d+", re.IGNORECASE)  # what stands there where nobody named the classes


@dataclass(frozen=True, eq=False)
class ClassifierHead:
    """Scores x @ weight.T + bias of features x (B, d).

    Attributes:
        weight: (N, d) float32.
        bias: (N,) float32.
        labels: (N) what each row is for: a WordNet id ("n02123045"), or names with commas ("tabby, tabby cat").
        mean: (d,) the mean feature of the images the model was trained on, where its weights tell; None where not.

    Raises:
        T2WError: rows, biases and labels that do not fit, or numbers that are not finite.
    """

    weight: Tensor
    bias: Tensor
    labels: tuple[str, ...]
    mean: Tensor | None = None

    def __post_init__(self) -> None:
        import torch

        n = len(self.labels)
        if self.weight.ndim != 2 or len(self.weight) != n or tuple(self.bias.shape) != (n,):
            raise T2WError(
                f"a last layer of shape {tuple(self.weight.shape)} with {len(self.bias)} biases for {n} class names",
                expected="one row and one bias per name",
                fix="copy the model's folder whole: its config.json belongs to other weights",
            )
        if not (torch.isfinite(self.weight).all() and torch.isfinite(self.bias).all()):
            raise T2WError("the model's last layer holds NaN or infinity", fix="get the model again")

    def named(self) -> ClassifierHead:
        """The rows whose labels are words: one such as LABEL_0 is no name.

        Raises:
            T2WError: none of them are.
        """
        import torch

        kept = [i for i, label in enumerate(self.labels) if not _NO_NAME.fullmatch(label.strip())]
        if not kept:
            raise T2WError(
                f"the model's class names are such as {self.labels[0]!r}" if self.labels else "a model without classes",
                expected="words: they are what it is known by",
                fix="put the names into id2label of its config.json, or set encoder.concepts=false",
            )
        rows, labels = torch.tensor(kept), tuple(self.labels[i] for i in kept)
        return ClassifierHead(self.weight[rows], self.bias[rows], labels, self.mean)
