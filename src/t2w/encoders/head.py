"""A classifier's last layer: one row of weights for every class that an image model was trained to name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from t2w.errors import T2WError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ClassifierHead"]


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
