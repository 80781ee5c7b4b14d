"""Evidence with what a task's own pictures add: unlabelled ones, labelled ones, or both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.concepts.concepts import Concepts
from t2w.concepts.evidence import Evidence
from t2w.concepts.mixture import fit_mixture
from t2w.errors import T2WError

__all__ = ["OWN_MEAN", "Pictured", "picture_fit", "with_pictures"]

OWN_MEAN = 10
"""Pictures from which on their own mean counts more than the concepts' centres."""
_WORTH = 10  # pictures of a class that make its row as sure as half a known one
_SETS, _ALIKE = 200, 0.5  # random sets of concepts, none of them this near (cosine) to a class of the task
_LEAST, _PER_ROOT, _MOST = 2.0, 0.25, 6.0  # deviations: asked for of few pictures, and of many


@dataclass(frozen=True, eq=False)
class Pictured:
    """What became of evidence."""

    evidence: Evidence  # with the pictures; as it was where they do not fit
    shares: Tensor  # (n,) estimated share of each class among the pictures without labels
    counts: Tensor  # (n,) pictures each class has, labelled and estimated
    # deviations by which the words fit the unlabelled pictures better than random known classes do; None without
    # unlabelled pictures
    fit: float | None
    kept_words: bool  # the unlabelled pictures do not fit and were left out


def with_pictures(evidence: Evidence, concepts: Concepts, features: Tensor, labels: Sequence[int]) -> Pictured:
    """Add pictures to evidence.

    Args:
        evidence: of n classes, from words.
        concepts: what the encoder knows, with an appearance.
        features: (N, d) of the pictures, by the same encoder.
        labels: (N,) class numbers; -1 for a picture without a label.

    Raises:
        T2WError: a generator without an appearance, no pictures, or features that are not finite.
    """
    looks = concepts.appearance
    if looks is None:
        raise T2WError(
            "this generator does not know how photographs of one class differ",
            expected="one made with concepts and photographs",
            fix="use the one that comes with t2w, or train one with this version",
        )
    given = torch.as_tensor(list(labels), dtype=torch.int64)
    if len(features) == 0 or len(features) != len(given) or not bool(torch.isfinite(features).all()):
        raise T2WError(f"features {tuple(features.shape)} with {len(given)} labels", expected="finite ones of pictures")
    x = concepts.centred(features.float())
    fit = None
    if bool((given < 0).any()):
        fit = picture_fit(evidence, concepts, x[given < 0])
        if fit < min(_LEAST + _PER_ROOT * math.sqrt(int((given < 0).sum())), _MOST):
            x, given = x[given >= 0], given[given >= 0]
    kept_words = len(x) < len(features)
    n = len(evidence)
    if len(x) == 0:
        return Pictured(evidence, torch.full((n,), 1 / n), torch.zeros(n), fit, kept_words)
    x = x - x.mean(0) * len(x) / (len(x) + OWN_MEAN)
    first = F.normalize(x, dim=1) @ evidence.rows.T
    found = fit_mixture(looks.prototypes(evidence.rows), evidence.variance, first, looks.whitened(x), given)
    seen = found.counts > 0.5  # of a class that has no picture the words say more
    rows = torch.where(seen[:, None], looks.rows(found.prototypes), evidence.rows)
    sources = tuple(
        f"{source} and {count:.0f} picture{'s' if round(count) != 1 else ''}" if count > 0.5 else source
        for source, count in zip(evidence.sources, found.counts.tolist(), strict=True)
    )
    variance = torch.where(seen, evidence.variance / (1 + found.counts / _WORTH), evidence.variance)
    told = replace(evidence, rows=rows, variance=variance, sources=sources)
    return Pictured(told, found.shares, found.counts, fit, kept_words)


def picture_fit(evidence: Evidence, concepts: Concepts, x: Tensor) -> float:
    """By how many deviations the classes fit centred features x (N, d) better than random sets of known classes do.

    Fit is the mean, over pictures, of the highest cosine with a class, beside that of 200 sets of as many concepts.
    """
    z = F.normalize(x, dim=1)
    far = (concepts.rows @ evidence.rows.T).max(1).values < _ALIKE
    others = z @ concepts.rows[far].T
    if others.shape[1] < 2 * len(evidence):  # nearly all that is known is in the task: nothing to compare with
        return math.inf
    rng = torch.Generator().manual_seed(0)
    drawn = torch.stack([torch.randperm(others.shape[1], generator=rng)[: len(evidence)] for _ in range(_SETS)])
    means = torch.stack([others[:, some].max(1).values.mean() for some in drawn])
    own = (z @ evidence.rows.T).max(1).values.mean()
    return float((own - means.mean()) / means.std().clamp(min=1e-6))
