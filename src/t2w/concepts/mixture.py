"""What pictures say of the classes of a task beside words: prototypes from the words' answer, then from the pictures.

Pictures are unit vectors z in whitened space, classes unit prototypes q_k with shares pi_k of the pictures, and

    p(k | z) ~ pi_k exp(tau q_k . z)                                        (labelled pictures: 2 for their own class)
    q_k = unit(kappa_k c P_k + sum_i p(k | z_i) z_i),    pi_k = (N_k + 3) / (N + 3 n),    N_k = sum_i p(k | z_i)

in turns (expectation maximisation): P_k is what the words say, and weighs as much as kappa_k pictures of the class, c
being the cosine that pictures typically have with the mean of their class. The sizes of the classes are estimated, so
they may be uneven, and a class may have no pictures at all. kappa rises from 10 to 30 with how sure the words are.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Mixture", "fit_mixture"]

_TAU = 40.0
_ROUNDS = 15
_KAPPA, _SURER = 10.0, 3.0  # pictures that an unsure prior is worth, and how many times that a sure one
_LABEL = 2.0  # guessed pictures that a labelled one is worth
_SHARES = 3.0  # pictures of each class that are taken for granted when sizes are estimated
_COSINE = 0.35  # of labelled pictures with the mean of their class, where there is one of each


@dataclass(frozen=True, eq=False)
class Mixture:
    """The classes of a task after pictures.

    Attributes:
        prototypes: (n, d) unit vectors in whitened space.
        shares: (n,) estimated share of each class among the pictures without labels; even where there are none.
        counts: (n,) pictures that each class has, labelled and estimated.
    """

    prototypes: Tensor
    shares: Tensor
    counts: Tensor


def fit_mixture(prior: Tensor, variance: Tensor, first: Tensor, z: Tensor, labels: Tensor) -> Mixture:
    """Fit it.

    Args:
        prior: (n, d) unit prototypes P of what the words say.
        variance: (n,) in 0..1, how unsure each is.
        first: (N, n) cosines of pictures and classes to begin with, where no picture has a label.
        z: (N, d) unit vectors of pictures.
        labels: (N,) class numbers; -1 for pictures without one.
    """
    n, labelled = len(prior), labels >= 0
    sure = (1 - variance).clamp(0, 1)
    kappa = (_KAPPA * _SURER ** (sure * sure.mean()))[:, None]
    given = _LABEL * F.one_hot(labels.clamp(min=0), n).to(z) * labelled[:, None]
    q = F.normalize(kappa * _COSINE * prior + given.T @ z, dim=1)
    shares, counts = torch.full((n,), 1 / n), given.sum(0) / _LABEL
    if bool(labelled.all()):
        return Mixture(q, shares, counts)
    for round_number in range(_ROUNDS):
        cosines = first if round_number == 0 and not bool(labelled.any()) else z @ q.T
        guessed = (_TAU * cosines + shares.log()).softmax(1) * ~labelled[:, None]
        size = guessed.sum(0)
        shares = (size + _SHARES) / (size.sum() + n * _SHARES)
        belongs = guessed + given
        sums = belongs.T @ z
        typical = (belongs * (z @ F.normalize(sums, dim=1).T)).sum() / belongs.sum()
        q = F.normalize(kappa * typical * prior + sums, dim=1)
        counts = guessed.sum(0) + given.sum(0) / _LABEL
    return Mixture(q, shares, counts)
