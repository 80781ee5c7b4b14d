"""What the generator is trained on, in normalised weight space."""

from __future__ import annotations

import torch
from torch import Tensor

from t2w.diffusion import Denoiser, NoiseSchedule, q_sample, trailing_timesteps
from t2w.training.settings import Weighting

__all__ = ["MIN_SNR", "timestep_weights", "validation_loss", "weight_loss"]

MIN_SNR = 5.0  # gamma of Hang et al. 2023


def timestep_weights(schedule: NoiseSchedule, t: Tensor, weighting: Weighting) -> Tensor:
    """(N,) weight of each timestep's loss, mean 1 over all timesteps: "uniform", or "min_snr" = min(SNR, 5)."""
    table = schedule.snr.clamp(max=MIN_SNR) if weighting == "min_snr" else torch.ones_like(schedule.snr)
    return (table / table.mean()).to(t.device, torch.float32)[t]


def weight_loss(x0_hat: Tensor, x_0: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean squared error of predicted weights (N, P), each task's times its weight (N,); None for 1."""
    error = (x0_hat - x_0).square().mean(dim=1)
    return (error if weight is None else error * weight).mean()


@torch.inference_mode()
def validation_loss(
    denoiser: Denoiser, x_0: Tensor, schedule: NoiseSchedule, *, timesteps: int = 5, seed: int = 0
) -> tuple[float, ...]:
    """Squared error at fixed timesteps (the noisiest first) under fixed noise: comparable between steps and runs.

    Args:
        denoiser: of these N tasks.
        x_0: (N, P) normalised weights of validation tasks.
        timesteps: how many, evenly spaced.

    Returns:
        One mean squared error per timestep; the first, at pure noise, is that of the text alone.
    """
    rng = torch.Generator().manual_seed(seed)
    errors = []
    for t in trailing_timesteps(timesteps, schedule.timesteps):
        noise = torch.randn(x_0.shape, generator=rng).to(x_0.device)
        at = torch.full((len(x_0),), t, dtype=torch.int64, device=x_0.device)
        errors.append(float(weight_loss(denoiser(q_sample(schedule, x_0, at, noise), at), x_0)))
    return tuple(errors)
