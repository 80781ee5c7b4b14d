"""From noise to data: x_T to x_0 through a denoiser."""

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
    """What a sampler found; trajectory and states are None unless asked for."""

    x_0: Tensor  # (N, D) the prediction at the last timestep: the clean sample, with no noise left in it
    timesteps: tuple[int, ...]  # the S visited, falling
    trajectory: Tensor | None = None  # (S, N, D) the prediction at every timestep visited, the last equal to x_0
    states: Tensor | None = None  # (S, N, D) x_t after each step: states[i] is what was seen at timesteps[i + 1]


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
) -> Samples:
    """Denoise step by step.

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
        trajectory: keep prediction and x_t of every step.

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
    # A step sees a schedule of exactly the visited timesteps, so any sequence of them suits every sampler.
    few, step = respaced(schedule, visited), _STEPS[sampler]
    x_t, x_0 = x_T, None
    kept: list[tuple[Tensor, Tensor]] = []
    for i, t in zip(range(len(visited) - 1, -1, -1), visited, strict=True):
        before, x_0 = x_0, denoiser(x_t, torch.full((len(x_t),), t, dtype=torch.int64, device=x_t.device))
        x_t = step(few, i, x_t, x_0, before, generator)
        if trajectory:
            kept.append((x_0, x_t))
    assert x_0 is not None  # at least one timestep is visited
    return Samples(x_0, visited, *(torch.stack(each) for each in zip(*kept, strict=True)))


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
    if isinstance(noise, Sequence):
        rows = [torch.randn(x_t.shape[1:], generator=one, device=one.device, dtype=x_t.dtype) for one in noise]
        drawn = torch.stack(rows).to(x_t.device)
    else:
        drawn = torch.randn(x_t.shape, generator=noise, device=x_t.device, dtype=x_t.dtype)
    return mean + few.at((0.5 * fixed_large_log_variance(few)).exp(), t, x_t) * drawn if i > 0 else mean


_STEPS = {"ddim": _ddim, "dpm++": _dpm, "ancestral": _ancestral}
