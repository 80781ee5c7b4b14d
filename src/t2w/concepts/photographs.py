"""What labelled photographs add to the concepts: rows of the classes they show, and how features of one class differ.

Linear discriminant analysis (Fisher 1936): with the covariance S of features around the mean of their class, the best
direction to tell classes apart is S^-1 m of a class mean m, and back, a row w stands for features around S w. The
features z = unit((S + 0.3 s I)^-1/2 x), s the mean eigenvalue of S, have about the same spread in every direction, so
that cosines of z tell classes apart better than those of x; features around S w are (S + 0.3 s I)^1/2 w there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.errors import T2WError

if TYPE_CHECKING:
    from t2w.concepts.concepts import Concepts

__all__ = ["Appearance", "ClassStatistics", "class_statistics", "with_photographs"]

_RANK = 192  # principal directions that are kept: beyond them all are taken as alike
_SHRINK = 0.3  # of the covariance towards a multiple of the identity, in units of its mean eigenvalue
_ROW_SHARE = 0.5  # of the encoder's own row beside the direction its photographs give
_TENSORS = ("basis", "spread", "rest")


@dataclass(frozen=True, eq=False)
class ClassStatistics:
    """Features of C classes, with what they have along the concepts' centres taken off."""

    means: Tensor  # (C, d) the mean of each class less the mean of all
    within: Tensor  # (d, d) covariance around the class means

    @cached_property
    def length(self) -> float:
        """Mean length of the class means."""
        return float(self.means.norm(dim=1).mean())

    @cached_property
    def spread(self) -> float:
        """Standard deviation of a feature, over classes and images."""
        return float((self.within.diagonal().mean() + self.means.square().mean()).sqrt())

    @cached_property
    def noise(self) -> Tensor:
        """(d, d) lower triangular: standard normal vectors times its transpose have the covariance `within`."""
        jitter = 1e-4 * float(self.within.diagonal().mean())
        return torch.linalg.cholesky(self.within + jitter * torch.eye(len(self.within)))

    def means_of(self, rows: Tensor) -> Tensor:
        """(n, d) the class means that rows (n, d) stand for."""
        return self.length * F.normalize(rows @ self.within, dim=1)

    def rows_of(self, means: Tensor) -> Tensor:
        """(n, d) unit rows that tell classes with these means (n, d) apart."""
        shrink = _SHRINK * float(self.within.diagonal().mean())
        return F.normalize(torch.linalg.solve(self.within + shrink * torch.eye(len(self.within)), means.T).T, dim=1)


@dataclass(frozen=True, eq=False)
class Appearance:
    """The covariance of features around their class mean: U diag(spread) U^T, and `rest` in all other directions."""

    basis: Tensor  # (r, d) orthonormal rows U^T
    spread: Tensor  # (r,) eigenvalues with the shrinkage added
    rest: Tensor  # () the same of the other directions

    @classmethod
    def of(cls, statistics: ClassStatistics) -> Appearance:
        values, vectors = torch.linalg.eigh(statistics.within)
        shrink = _SHRINK * values.mean()
        kept = min(_RANK, len(values) - 1)
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


def class_statistics(concepts: Concepts, features: Tensor, labels: Tensor, classes: Sequence[int]) -> ClassStatistics:
    """The statistics of C classes, given by their numbers, from features (N, d) of photographs with labels (N,)."""
    means, within = [], torch.zeros(features.shape[1], features.shape[1])
    count = 0
    for number in classes:
        own = concepts.centred(features[labels == number].float())
        means.append(own.mean(0))
        around = own - means[-1]
        within += around.T @ around
        count += len(own)
    stacked = torch.stack(means)
    return ClassStatistics(stacked - stacked.mean(0), within / count)


def with_photographs(
    concepts: Concepts,
    statistics: ClassStatistics,
    *,
    names: Sequence[str],
    text: Tensor,
    name_text: Tensor,
    senses: Sequence[int],
) -> tuple[Concepts, tuple[int, ...]]:
    """The concepts with what C photographed classes look like, and the position of each of these classes in them.

    A class that is a concept has its row moved towards what the photographs say; another becomes a concept.
    `names`, `text`, `name_text` and `senses` are those of the C classes, see `Concepts`.
    """
    known = {sense: i for i, sense in enumerate(concepts.senses.tolist()) if sense >= 0}
    rows, seen = concepts.rows.clone(), statistics.rows_of(statistics.means)
    positions: list[int] = []
    new: list[int] = []
    for i, sense in enumerate(senses):
        if sense in known:
            rows[known[sense]] = F.normalize(seen[i] + _ROW_SHARE * rows[known[sense]], dim=0)
            positions.append(known[sense])
        else:
            positions.append(len(concepts) + len(new))
            new.append(i)
    index = torch.tensor(new, dtype=torch.int64)
    return replace(
        concepts,
        names=(*concepts.names, *((names[i],) for i in new)),
        text=torch.cat([concepts.text, text[index]]),
        name_text=torch.cat([concepts.name_text, name_text[index]]),
        rows=torch.cat([rows, seen[index]]),
        senses=torch.cat([concepts.senses, torch.tensor([senses[i] for i in new], dtype=torch.int64)]),
        appearance=Appearance.of(statistics),
    ), tuple(positions)
