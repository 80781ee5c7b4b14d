"""From noise to data: x_T to x_0 through a denoiser.

A sampler's step sees a schedule of exactly the timesteps that are visited (see `respaced`), so any sequence of
timesteps suits all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from t2w.diffusion.respacing import respace, respaced, trailing_timesteps
from t2w.diffusion.schedule import NoiseSchedule, fixed_large_log_variance, linear_schedule, posterior
from t2w.errors import T2WError, nearest

__all__ = ["SAMPLERS", "Denoiser", "Noise", "Sampler", "Samples", "sample"]

Sampler = Literal["ddim", "dpm++", "ancestral"]
SAMPLERS: tuple[str, ...] = get_args(Sampler)

Denoiser: TypeAlias = Callable[[Tensor, Tensor], Tensor]  # x_t (N, D), t (N,) int64 -> x0_hat (N, D)
Noise: TypeAlias = "torch.Generator | Sequence[torch.Generator] | None"


@dataclass(frozen=True, eq=False)
class Samples:
    """What a sampler found.

    Attributes:
        x_0: (N, D) the denoiser's prediction at the last timestep: the clean sample, with no noise left in it.
        trajectory: (S, N, D) its prediction at every timestep visited, the last equal to x_0; None unless asked for.
        timesteps: the S timesteps visited, falling.
        states: (S, N, D) x_t after the step from every timestep visited, so that states[i] is what the denoiser saw at
            timesteps[i + 1]; None unless asked for.
    """

    x_0: Tensor
    trajectory: Tensor | None
    timesteps: tuple[int, ...]
    states: Tensor | None = None


def sample(
    denoiser: Denoiser,
    x_T: Tensor,
    *,
    sampler: Sampler = "ddim",
    steps: int = 10,
    schedule: NoiseSchedule | None = None,
    timesteps: Sequence[int] | str | None = None,
    generator: Noise = None,
    trajectory: bool = False,
    states: bool = False,
) -> Samples:
    """Walk from noise to data.

    Args:
        denoiser: predicts x_0 from (x_t, t).
        x_T: (N, D) standard normal noise.
        sampler: "ddim" (deterministic, Song et al. 2021), for few steps; "dpm++" (deterministic, second order,
            DPM-Solver++ 2M, Lu et al. 2022), as good with fewer steps where the denoiser is smooth; "ancestral" (fresh
            noise at every step, Ho et al. 2020), as the paper samples, for many steps.
        steps: how many times the denoiser is called, 1 .. T. One step returns its prediction from pure noise.
        schedule: the noise schedule trained with; None for 1000 linear betas.
        timesteps: in place of `steps` evenly spaced ones, these falling timesteps or what a respacing string such as
            "10,15,20" or "ddim50" stands for (see `respace`); None for evenly spaced ones.
        generator: source of the noise that "ancestral" adds. One per row: a row's noise then does not depend on which
            other rows there are. A single one, on the device of x_T, or None, which is torch's own: drawn for all rows
            together, as the reference does.
        trajectory: keep the prediction of every step.
        states: keep x_t after every step.

    Raises:
        T2WError: unknown sampler, number of steps outside 1 .. T, or timesteps that do not fall.
    """
    if sampler not in _STEPS:
        raise T2WError(
            f"unknown sampler {sampler!r}{nearest(sampler, SAMPLERS)}", expected=f"one of {', '.join(SAMPLERS)}"
        )
    schedule = schedule or linear_schedule()
    if timesteps is None:
        visited = trailing_timesteps(steps, schedule.timesteps)
    else:
        visited = respace(timesteps, schedule.timesteps) if isinstance(timesteps, str) else tuple(timesteps)
    few, step = respaced(schedule, visited), _STEPS[sampler]
    x_t, x_0 = x_T, None
    predictions: list[Tensor] = []
    passed: list[Tensor] = []
    for i, t in zip(range(len(visited) - 1, -1, -1), visited, strict=True):
        before, x_0 = x_0, denoiser(x_t, torch.full((len(x_t),), t, dtype=torch.int64, device=x_t.device))
        x_t = step(few, i, x_t, x_0, before, generator)
        if trajectory:
            predictions.append(x_0)
        if states:
            passed.append(x_t)
    assert x_0 is not None  # at least one timestep is visited
    told = torch.stack(predictions) if trajectory else None
    return Samples(x_0, told, visited, torch.stack(passed) if states else None)


def _ddim(few: NoiseSchedule, i: int, x_t: Tensor, x_0: Tensor, before: Tensor | None, noise: Noise) -> Tensor:
    """x of the timestep before number i, given the predicted x_0: the same noise in x_t, less of it."""
    bar, prev = float(few.alpha_bar[i]), float(few.alpha_bar_prev[i])
    epsilon = (x_t - bar**0.5 * x_0) / (1 - bar) ** 0.5
    return prev**0.5 * x_0 + (1 - prev) ** 0.5 * epsilon


def _dpm(few: NoiseSchedule, i: int, x_t: Tensor, x_0: Tensor, before: Tensor | None, noise: Noise) -> Tensor:
    """As `_ddim`, with x_0 as it will be in the middle of the step: a line through it and the prediction before."""
    if before is not None and i > 0:
        later, now, earlier = few.snr[i - 1 : i + 2].log().tolist()
        x_0 = x_0 + (later - now) / (2 * (now - earlier)) * (x_0 - before)
    return _ddim(few, i, x_t, x_0, None, None)


def _ancestral(few: NoiseSchedule, i: int, x_t: Tensor, x_0: Tensor, before: Tensor | None, noise: Noise) -> Tensor:
    """A draw from q(x_{t-1} | x_t, x_0), with the larger of the two usual variances."""
    t = torch.full((len(x_t),), i, device=x_t.device)
    mean, _ = posterior(few, x_0, x_t, t)
    # Drawn at the last step too, where it is not added: successive batches then use the random stream as the reference.
    drawn = _noise_like(x_t, noise)
    return mean + few.at((0.5 * fixed_large_log_variance(few)).exp(), t, x_t) * drawn if i > 0 else mean


def _noise_like(x: Tensor, generator: Noise) -> Tensor:
    if isinstance(generator, Sequence):
        rows = [torch.randn(x.shape[1:], generator=one, device=one.device, dtype=x.dtype) for one in generator]
        return torch.stack(rows).to(x.device)
    return torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)


_STEPS = {"ddim": _ddim, "dpm++": _dpm, "ancestral": _ancestral}
