"""How sure to be: a temperature for probabilities, and the rule that says "none of these".

A picture is of none of the classes when other things that the encoder knows fit it far better. With unit features z
less what they have along the centres, rows w_k of the task and w_c of all known classes that are not like one of these,

    score(z) = log sum_k exp(25 z . w_k) - 1/2 log sum_c exp(25 z . w_c)

and below a threshold the answer is none. Temperature and threshold depend on the number of classes and on how unsure
their evidence is; both are fitted to training images that nothing else was trained on (`t2w.runs.surety`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.errors import T2WError

if TYPE_CHECKING:
    from t2w.encoders.head import ClassifierHead

__all__ = ["TAU", "NoneRule", "Surety", "head_rows", "without_centres"]

TAU = 25.0  # sharpness of the sums
_ALIKE = 0.5  # cosine of rows from which on a known class is like one of the task


def head_rows(head: ClassifierHead, centres: Tensor) -> Tensor:
    """(N, d) the rows of a last layer less their mean, perpendicular to `centres` (m, d), of unit length."""
    return F.normalize(without_centres(head.weight - head.weight.mean(0), centres), dim=1)


def without_centres(features: Tensor, centres: Tensor) -> Tensor:
    """Features (..., d) less what they have along orthonormal centres (m, d)."""
    return features - (features @ centres.T) @ centres


@dataclass(frozen=True)
class Surety:
    """Coefficients, for tasks of n classes with mean variance v."""

    temperature: tuple[float, ...]  # of log T on (1, v, log n, (log n)^2)
    threshold: tuple[float, ...]  # of the score that 95 % of the pictures of the classes are above, on the same

    @staticmethod
    def terms(variance: Tensor) -> list[float]:
        """What both are linear in, of a task's variances (n,)."""
        size = math.log(len(variance))
        return [1.0, float(variance.mean()), size, size**2]

    def temperature_of(self, variance: Tensor) -> float:
        """What logits are divided by."""
        return math.exp(sum(a * b for a, b in zip(self.temperature, self.terms(variance), strict=True)))

    def threshold_of(self, variance: Tensor) -> float:
        """The score below which a picture is of none of the classes."""
        return sum(a * b for a, b in zip(self.threshold, self.terms(variance), strict=True))

    def to_dict(self) -> dict[str, Any]:
        """For JSON; `from_dict` is the inverse."""
        return {"temperature": list(self.temperature), "threshold": list(self.threshold)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Sequence[float]]) -> Surety:
        return cls(tuple(values["temperature"]), tuple(values["threshold"]))


@dataclass(frozen=True, eq=False)
class NoneRule:
    """The rule for one task. Raises T2WError at numbers that are not finite."""

    threshold: float  # see `Surety.threshold_of`
    centres: Tensor  # (m, d) orthonormal, see `Concepts`

    def __post_init__(self) -> None:
        if not (math.isfinite(self.threshold) and bool(torch.isfinite(self.centres).all())):
            raise T2WError("the rule for none of these holds NaN or infinity", fix="generate the classifier again")

    def scores(self, rows: Tensor, known: Tensor, features: Tensor) -> Tensor:
        """(N,) how much more pictures with features (N, d) are of the task with unit rows (n, d) than of anything else.

        All else are the classes that the encoder knows, with rows `known` (C, d), see `head_rows`.
        """
        z = self.unit(features)
        return self.score(z, rows, z @ known.T, self.others(rows, known))

    @staticmethod
    def score(z: Tensor, rows: Tensor, like: Tensor, others: Tensor) -> Tensor:
        """`scores` of unit features z (N, d), with their cosines (N, C) to what is known and the positions `others`."""
        if len(others) == 0:  # everything that is known is in the task
            return torch.full_like(like[:, 0], torch.inf)
        return (TAU * z @ rows.T).logsumexp(1) - 0.5 * (TAU * like.index_select(1, others)).logsumexp(1)

    @staticmethod
    def others(rows: Tensor, known: Tensor) -> Tensor:
        """Positions of the known classes (C, d) that are not like one of the task, with unit rows (n, d)."""
        return ((known @ rows.T).max(1).values < _ALIKE).nonzero()[:, 0]

    def unit(self, features: Tensor) -> Tensor:
        """Features less what they have along the centres, of unit length."""
        return F.normalize(without_centres(features, self.centres), dim=1)
