"""What pictures say of the classes of a task beside words: prototypes from the words' answer, then from the pictures.

Pictures are unit vectors z in whitened space, classes unit prototypes q_k with shares pi_k of the pictures, and

    p(k | z_i) ~ pi_k exp(tau q_k . z_i)                                    (labelled pictures: 1 for their own class)
    q_k = unit(lambda_k P_k + sum_i p(k | z_i) z_i),    pi_k = (N_k + 3) / (N + 3 n),    N_k = sum_i p(k | z_i)

in turns (expectation maximisation): P_k is what the words say. The sizes of the classes are estimated, so they may be
uneven, and a class may have no pictures at all. Where no picture has a label the first rounds are soft (a smaller tau,
deterministic annealing: Rose 1998): the words alone should not divide pictures of classes that look alike for good.

How much the words count follows from two cosines: rho_k of a class's true prototype with P_k, and c of a picture with
the prototype of its class. Were the directions normal around each other, the posterior would have

    lambda_k = trust  rho_k / (1 - rho_k^2)  (1 - c^2) / c                                     at trust = 1

so that pictures which lie close around their classes overrule the words sooner. rho_k goes from 0.5 where the words are
sure to 0.25 where they are not; c is measured. The settings: `python benchmarks/mixture.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Mixture", "MixtureSettings", "fit_mixture"]

_SURE, _UNSURE = 0.5, 0.25  # rho: measured on classes of Tiny-ImageNet that the words were not fitted to
_SHARES = 3.0  # pictures of each class that are taken for granted when sizes are estimated
_COSINES = 0.2, 0.9  # between which c is believed


@dataclass(frozen=True)
class MixtureSettings:
    """How the mixture is fitted."""

    tau: float = 40.0  # sharpness of p(k | z)
    # share of tau that the first round has without labels; it reaches tau after three fifths of the rounds
    soft: float = 0.6
    trust: float = 3.0  # in words beside pictures; above 1, since prototypes drift where classes look alike
    rounds: int = 15  # of expectation maximisation


@dataclass(frozen=True, eq=False)
class Mixture:
    """The classes of a task after pictures."""

    prototypes: Tensor  # (n, d) unit vectors in whitened space
    shares: Tensor  # (n,) estimated share of each class among the pictures without labels; even where there are none
    counts: Tensor  # (n,) pictures that each class has, labelled and estimated


def fit_mixture(
    prior: Tensor, variance: Tensor, first: Tensor, z: Tensor, labels: Tensor, settings: MixtureSettings | None = None
) -> Mixture:
    """Fit it.

    Args:
        prior: (n, d) unit prototypes P of what the words say.
        variance: (n,) in 0..1, how unsure each is.
        first: (N, n) cosines of pictures and classes to begin with, where no picture has a label.
        z: (N, d) unit vectors of pictures.
        labels: (N,) class numbers; -1 for pictures without one.
        settings: None for the default ones.
    """
    how = settings or MixtureSettings()
    n, labelled = len(prior), labels >= 0
    rho = (_UNSURE + (_SURE - _UNSURE) * (1 - variance).clamp(0, 1))[:, None]
    words = how.trust * rho / (1 - rho**2) * prior

    def posterior(sums: Tensor, c: Tensor) -> Tensor:
        c = c.clamp(*_COSINES)
        return F.normalize(words * (1 - c**2) / c + sums, dim=1)

    given = F.one_hot(labels.clamp(min=0), n).to(z) * labelled[:, None]
    shares, counts, q = torch.full((n,), 1 / n), given.sum(0), prior
    soft = 1.0 if bool(labelled.any()) else how.soft
    if bool(labelled.any()):  # a picture's cosine with P_k is about c rho_k
        c = (given * (z @ prior.T)).sum() / (given @ rho).sum()
        q = posterior(given.T @ z, c)
    if bool(labelled.all()):
        return Mixture(q, shares, counts)
    for number in range(how.rounds):
        cosines = first if number == 0 and not bool(labelled.any()) else z @ q.T
        tau = how.tau * (soft + (1 - soft) * min(1.0, number / (0.6 * how.rounds)))
        guessed = (tau * cosines + shares.log()).softmax(1) * ~labelled[:, None]
        size = guessed.sum(0)
        shares = (size + _SHARES) / (size.sum() + n * _SHARES)
        belongs = guessed + given
        sums = belongs.T @ z
        q = posterior(sums, (belongs * (z @ F.normalize(sums, dim=1).T)).sum() / belongs.sum())
        counts = size + given.sum(0)
    return Mixture(q, shares, counts)
