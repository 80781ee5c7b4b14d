"""Accuracy and loss along the sampling steps: of what the denoiser predicts, and of the noisy weights on the way."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters import task_logits
from t2w.classifier import Classifier
from t2w.devices import FEW, one_thread
from t2w.diffusion import Sampler
from t2w.inspection.labelled import Labelled
from t2w.inspection.origin import Origin

__all__ = ["Denoising", "Scores", "denoising", "scores_of"]

_PARTS = 1 << 24  # numbers of features in memory at once


@dataclass(frozen=True)
class Scores:
    """Of several weight vectors on the same pictures.

    Attributes:
        accuracy: 0..1 each.
        loss: mean cross-entropy each, in nats.
    """

    accuracy: tuple[float, ...]
    loss: tuple[float, ...]


@dataclass(frozen=True)
class Denoising:
    """One sampling trajectory, from noise to weights.

    Attributes:
        generator: its name.
        sampler: the method, see `t2w.diffusion.SAMPLERS`.
        timesteps: (S,) visited, falling.
        predicted: of x_0 as predicted at each step; the last is what is generated.
        noisy: of x_t as each step leaves it.
        start: of the weights without any generator, see `Origin.start`.
        start_is: the same for a reader.
        pictures: how many were classified.
        classes: how many there are.
    """

    generator: str
    sampler: str
    timesteps: tuple[int, ...]
    predicted: Scores
    noisy: Scores
    start: Scores
    start_is: str
    pictures: int
    classes: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def denoising(
    classifier: Classifier,
    origin: Origin,
    pictures: Labelled,
    *,
    steps: int = 20,
    sampler: Sampler = "ddim",
    seed: int = 0,
) -> Denoising:
    """Sample the weights of a classifier's classes again, from its words, and try them after every step.

    Args:
        origin: the generator, see `origin_of`.
        pictures: labelled ones to classify.
        steps: of the sampler, 1 or more.
        sampler: see `t2w.diffusion.SAMPLERS`.
        seed: of the noise.

    Raises:
        T2WError: an unknown sampler, or an impossible number of steps.
    """
    with one_thread(len(classifier.classes) <= FEW):
        predicted, noisy, timesteps = origin.generator.trajectory(
            origin.condition, seed=seed, sampler=sampler, steps=steps
        )
    return Denoising(
        origin.name,
        sampler,
        timesteps,
        scores_of(classifier, predicted[:, 0], pictures),
        scores_of(classifier, noisy[:, 0], pictures),
        scores_of(classifier, origin.start[None], pictures),
        origin.what,
        len(pictures),
        len(classifier.classes),
    )


@torch.no_grad()
def scores_of(classifier: Classifier, vectors: Tensor, pictures: Labelled) -> Scores:
    """How other weights (T, P) of the classifier's sizes do on pictures."""
    n, labels = len(classifier.classes), pictures.labels
    right, loss = [], []
    for some in vectors.float().split(max(1, _PARTS // pictures.features.numel())):
        t = len(some)
        logits = task_logits(
            classifier.spec, some, pictures.features.expand(t, -1, -1), classifier.text.float().expand(t, -1, -1),
            torch.ones(t, n, dtype=torch.bool),
        )  # fmt: skip
        right += (logits.argmax(-1) == labels).float().mean(1).tolist()
        loss += F.cross_entropy(logits.mT, labels.expand(t, -1), reduction="none").mean(1).tolist()
    return Scores(tuple(right), tuple(loss))
