"""How photographs of one class differ from each other, small enough to ship; features in which they differ alike.

With the covariance S of features around the mean of their class, z = unit((S + 0.3 s I)^-1/2 x), s its mean eigenvalue,
has about the same spread in every direction, so that cosines of z tell classes apart better than those of x. A row w of
a linear classifier stands for features around S w (see `t2w.concepts.photographs`), which is (S + 0.3 s I)^1/2 w there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.errors import T2WError

if TYPE_CHECKING:
    from t2w.concepts.photographs import ClassStatistics

__all__ = ["RANK", "Appearance"]

RANK = 192
"""Principal directions that are kept: beyond them all are taken as alike."""
_SHRINK = 0.3  # of the mean eigenvalue, added to all
_TENSORS = ("basis", "spread", "rest")


@dataclass(frozen=True, eq=False)
class Appearance:
    """The covariance of features around their class mean: U diag(spread) U^T, and `rest` in all other directions.

    Attributes:
        basis: (r, d) orthonormal rows U^T.
        spread: (r,) eigenvalues with the shrinkage added.
        rest: () the same of the other directions.
    """

    basis: Tensor
    spread: Tensor
    rest: Tensor

    @classmethod
    def of(cls, statistics: ClassStatistics) -> Appearance:
        values, vectors = torch.linalg.eigh(statistics.within)
        shrink = _SHRINK * values.mean()
        kept = min(RANK, len(values) - 1)
        rest = values[:-kept].clamp(min=0).mean() + shrink
        return cls(vectors[:, -kept:].T.contiguous(), values[-kept:].clamp(min=0) + shrink, rest)

    def whitened(self, features: Tensor) -> Tensor:
        """(N, d) unit vectors of centred features (N, d)."""
        return F.normalize(self._power(features, -0.5), dim=1)

    def prototypes(self, rows: Tensor) -> Tensor:
        """(n, d) where the features of classes with these rows lie, whitened."""
        return F.normalize(self._power(rows, 0.5), dim=1)

    def rows(self, prototypes: Tensor) -> Tensor:
        """The inverse: (n, d) unit rows whose classifier is that of these whitened prototypes."""
        return F.normalize(self._power(prototypes, -0.5), dim=1)

    def tensors(self) -> dict[str, Tensor]:
        """What a file keeps; `from_tensors` is the inverse."""
        return {name: getattr(self, name) for name in _TENSORS}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Appearance:
        """As a file keeps it, in half precision or not. Raises T2WError where a part is missing or does not fit."""
        fits = set(tensors) == set(_TENSORS) and len(tensors["basis"]) == len(tensors["spread"])
        if not fits or not bool((tensors["spread"] > 0).all() and (tensors["rest"] > 0).all()):
            raise T2WError(f"an appearance of {', '.join(sorted(tensors))}", expected=", ".join(_TENSORS))
        return cls(F.normalize(tensors["basis"].float(), dim=1), tensors["spread"].float(), tensors["rest"].float())

    def _power(self, x: Tensor, power: float) -> Tensor:
        rest = self.rest**power
        return rest * x + ((x @ self.basis.T) * (self.spread**power - rest)) @ self.basis
