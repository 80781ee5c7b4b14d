"""Validation: how far the averaged weights are from trained adapters, and how accurate the adapters they make are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from t2w.diffusion import Denoiser, NoiseSchedule, linear_schedule, q_sample, trailing_timesteps
from t2w.generator import Condition, Network
from t2w.training.objectives import weight_loss
from t2w.training.settings import TrainSettings

__all__ = ["Validation", "ValidationPoint", "best_of", "validate", "validation_loss"]


class ValidationPoint(NamedTuple):
    """Validation of the averaged weights after `step` steps."""

    step: int
    loss: float  # squared error of validation tasks' weights in normalised space, mean over timesteps
    noise_loss: float  # the same at pure noise
    accuracy: float | None = None  # of generated adapters in 0..1; None where it is not measured


@dataclass(frozen=True, eq=False)
class Validation:
    """Tasks that nothing is trained on. Accuracy is never that on test images: checkpoints are chosen by it."""

    x_0: Tensor  # (V, P) their adapters, as trained; in the loop, normalised
    condition: Condition
    accuracy: Callable[[Network], float] | None = None  # in 0..1, of the adapters that a network generates for them


def validate(step: int, network: Network, validation: Validation) -> ValidationPoint:
    """Put the network into eval mode and look."""
    network.eval()
    schedule = linear_schedule(network.config.timesteps)
    errors = validation_loss(lambda x_t, t: network(x_t, t, validation.condition), validation.x_0, schedule)
    accuracy = None if validation.accuracy is None else validation.accuracy(network)
    return ValidationPoint(step, sum(errors) / len(errors), errors[0], accuracy)


def best_of(points: Sequence[ValidationPoint], settings: TrainSettings) -> tuple[int, float] | None:
    """(step, value) of the best validation; None where the last weights are wanted or there was none yet."""
    if settings.select == "last" or not points:
        return None
    if settings.select == "validation_loss":
        return min(((p.step, p.loss) for p in points), key=lambda pair: pair[1])
    return max(((p.step, p.accuracy or 0.0) for p in points), key=lambda pair: pair[1])


@torch.inference_mode()
def validation_loss(
    denoiser: Denoiser, x_0: Tensor, schedule: NoiseSchedule, *, timesteps: int = 5, seed: int = 0
) -> tuple[float, ...]:
    """Squared error of x_0 (N, P) at evenly spaced timesteps, the noisiest (the text alone) first.

    The noise is fixed, so that steps and runs can be compared.
    """
    rng = torch.Generator().manual_seed(seed)
    errors = []
    for t in trailing_timesteps(timesteps, schedule.timesteps):
        noise = torch.randn(x_0.shape, generator=rng).to(x_0.device)
        at = torch.full((len(x_0),), t, dtype=torch.int64, device=x_0.device)
        errors.append(float(weight_loss(denoiser(q_sample(schedule, x_0, at, noise), at), x_0)))
    return tuple(errors)
