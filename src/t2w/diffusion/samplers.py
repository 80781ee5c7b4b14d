"""From noise to data: x_T to x_0 through a denoiser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from t2w.diffusion.respacing import respace, respaced, trailing_timesteps
from t2w.diffusion.schedule import NoiseSchedule, linear_schedule
from t2w.diffusion.solvers import SAMPLERS, SOLVERS, Sampler
from t2w.errors import T2WError, nearest

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["Denoiser", "Samples", "sample"]

Denoiser: TypeAlias = Callable[[Tensor, Tensor], Tensor]  # x_t (N, D), t (N,) int64 -> x0_hat (N, D)


@dataclass(frozen=True, eq=False)
class Samples:
    """What a sampler found.

    Fields:
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
    generator: torch.Generator | None = None,
    threshold: tuple[float, float] | None = None,
    trajectory: bool = False,
    states: bool = False,
) -> Samples:
    """Walk from noise to data.

    Args:
        denoiser: predicts x_0 from (x_t, t).
        x_T: (N, D) standard normal noise.
        sampler: one of `SAMPLERS`; `SOLVERS[name].about` says what each is. "ddim" and "unipc" suit few steps,
            "ancestral" is how the paper samples.
        steps: how many times the denoiser is called, 1 .. T. One step returns its prediction from pure noise.
        schedule: the noise schedule trained with; None for 1000 linear betas.
        timesteps: in place of `steps` evenly spaced ones, these falling timesteps or what a respacing string such as
            "10,15,20" or "ddim50" stands for (see `respace`); None for evenly spaced ones.
        generator: source of the noise a stochastic sampler adds, on the device of x_T; None for torch's own.
        threshold: (low, high) that every prediction is clamped to (static thresholding), in the denoiser's units; None
            for no clamping.
        trajectory: keep the prediction of every step.
        states: keep x_t after every step.

    Raises:
        T2WError: unknown sampler, number of steps outside 1 .. T, timesteps that do not fall, or an empty threshold.
    """
    if sampler not in SOLVERS:
        raise T2WError(
            f"unknown sampler {sampler!r}{nearest(sampler, SAMPLERS)}", expected=f"one of {', '.join(SAMPLERS)}"
        )
    if threshold is not None and not threshold[0] < threshold[1]:
        raise T2WError(f"threshold {threshold}", expected="(low, high) with low below high, or None for none")
    schedule = schedule or linear_schedule()
    visited = _visited(steps, timesteps, schedule.timesteps)
    # One step needs no solver, and the import of one takes seconds.
    walks = states or len(visited) > 1
    step = SOLVERS[sampler].build(respaced(schedule, visited), generator, x_T.device) if walks else None
    x_t, x_0 = x_T, x_T
    predictions: list[Tensor] = []
    passed: list[Tensor] = []
    for index, t in zip(range(len(visited) - 1, -1, -1), visited, strict=True):
        x_0 = denoiser(x_t, torch.full((len(x_t),), t, dtype=torch.int64, device=x_t.device))
        if threshold is not None:
            x_0 = x_0.clamp(*threshold)
        if step is not None:
            x_t = step(x_0, x_t, index)
        if trajectory:
            predictions.append(x_0)
        if states:
            passed.append(x_t)
    # Some solvers leave the noise of the last timestep in x_t; the prediction has none.
    return Samples(
        x_0, torch.stack(predictions) if trajectory else None, visited, torch.stack(passed) if states else None
    )


def _visited(steps: int, timesteps: Sequence[int] | str | None, total: int) -> tuple[int, ...]:
    if timesteps is None:
        return trailing_timesteps(steps, total)
    return respace(timesteps, total) if isinstance(timesteps, str) else tuple(timesteps)
