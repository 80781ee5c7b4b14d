"""What labelled photographs add to the concepts: rows of the classes they show, and what features are like.

Linear discriminant analysis (Fisher 1936): with the covariance S of features around the mean of their class, the best
direction to tell classes apart is S^-1 m of a class mean m, and back, a row w stands for features around S w.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.concepts.appearance import Appearance
from t2w.concepts.concepts import Concepts

__all__ = ["ClassStatistics", "class_statistics", "with_photographs"]

_SHRINK = 0.3  # of the covariance towards a multiple of the identity, in units of its mean eigenvalue
_ROW_SHARE = 0.5  # of the encoder's own row beside the direction its photographs give


@dataclass(frozen=True, eq=False)
class ClassStatistics:
    """Features of C classes, with what they have along the concepts' centres taken off.

    Attributes:
        means: (C, d) the mean of each class less the mean of all.
        within: (d, d) covariance around the class means.
    """

    means: Tensor
    within: Tensor

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


def class_statistics(concepts: Concepts, features: Tensor, labels: Tensor, classes: Sequence[int]) -> ClassStatistics:
    """The statistics of some classes.

    Args:
        features: (N, d) of labelled photographs, those of other classes are left out.
        labels: (N,) class numbers.
        classes: the C numbers wanted, in order; each has photographs.
    """
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

    Args:
        statistics: of the C classes; `names`, `text`, `name_text` and `senses` are theirs, see `Concepts`.
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
