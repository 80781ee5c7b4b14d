"""From noise to data: x_T to x_0 through a denoiser, over the schedulers of diffusers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from torch import Tensor

from t2w.diffusion.schedule import NoiseSchedule, linear_schedule
from t2w.errors import T2WError, nearest

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["SAMPLERS", "Denoiser", "Sampler", "Samples", "sample", "trailing_timesteps"]

Denoiser: TypeAlias = Callable[[Tensor, Tensor], Tensor]  # x_t (N, D), t (N,) int64 -> x0_hat (N, D)
Sampler = Literal["ddim", "dpm++", "ancestral"]
SAMPLERS: tuple[str, ...] = get_args(Sampler)


@dataclass(frozen=True, eq=False)
class Samples:
    """What a sampler found.

    Fields:
        x_0: (N, D) the denoiser's prediction at the last timestep: the clean sample, with no noise left in it.
        trajectory: (S, N, D) its prediction at every timestep visited, the last equal to x_0; None unless asked for.
        timesteps: the S timesteps visited, falling.
    """

    x_0: Tensor
    trajectory: Tensor | None
    timesteps: tuple[int, ...]


def trailing_timesteps(steps: int, timesteps: int = 1000) -> tuple[int, ...]:
    """`steps` timesteps evenly spaced and falling from T-1, where x_T really is noise (Lin et al. 2024, table 2).

    Raises:
        T2WError: `steps` is not in 1 .. T.
    """
    if not 1 <= steps <= timesteps:
        raise T2WError(
            f"{steps} sampling steps", expected=f"1 to {timesteps}, the diffusion timesteps", fix="10 is a good number"
        )
    return tuple(round(timesteps - i * timesteps / steps) - 1 for i in range(steps))


def sample(
    denoiser: Denoiser,
    x_T: Tensor,
    *,
    sampler: Sampler = "ddim",
    steps: int = 10,
    schedule: NoiseSchedule | None = None,
    timesteps: Sequence[int] | None = None,
    generator: torch.Generator | None = None,
    trajectory: bool = False,
) -> Samples:
    """Walk from noise to data.

    Args:
        denoiser: predicts x_0 from (x_t, t).
        x_T: (N, D) standard normal noise.
        sampler: "ddim" (deterministic), "dpm++" (second order, deterministic) or "ancestral" (fresh noise at every
            step, with the larger of the two usual variances, as the paper samples; meant for many steps).
        steps: how many times the denoiser is called, 1 .. T. One step returns its prediction from pure noise.
        schedule: the noise schedule trained with; None for 1000 linear betas.
        timesteps: visit these, falling, in place of `steps` evenly spaced ones; None for those.
        generator: source of the ancestral sampler's noise, on the device of x_T; None for torch's own.
        trajectory: keep the prediction of every step.

    Raises:
        T2WError: unknown sampler, or a number of steps outside 1 .. T.
    """
    schedule = schedule or linear_schedule()
    visited = tuple(timesteps) if timesteps is not None else trailing_timesteps(steps, schedule.timesteps)
    scheduler = _scheduler(sampler, schedule)
    scheduler.set_timesteps(timesteps=list(visited), device=x_T.device)
    x_t, x_0, kept = x_T, x_T, []
    for t in visited:
        x_0 = denoiser(x_t, torch.full((len(x_t),), t, dtype=torch.int64, device=x_t.device))
        if trajectory:
            kept.append(x_0)
        x_t = scheduler.step(x_0, t, x_t, generator=generator).prev_sample
    # The scheduler's last x_t may still carry the noise of a step below the last timestep; the prediction does not.
    return Samples(x_0, torch.stack(kept) if trajectory else None, visited)


def _scheduler(sampler: str, schedule: NoiseSchedule) -> Any:
    # Each scheduler of diffusers takes over a second to import, so only the one that is used.
    common: dict[str, Any] = {
        "num_train_timesteps": schedule.timesteps,
        "trained_betas": schedule.betas.tolist(),
        "prediction_type": "sample",
    }
    if sampler == "ancestral":
        from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

        return DDPMScheduler(**common, variance_type="fixed_large", clip_sample=False)
    if sampler in ("ddim", "dpm++"):
        from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler

        # DDIM is the first-order DPM-Solver++ (Lu et al. 2022, section 4). This class takes any timesteps, while
        # DDIMScheduler steps by T // steps, which leaves the path wherever `steps` does not divide T.
        order = 1 if sampler == "ddim" else 2
        return DPMSolverMultistepScheduler(
            **common, solver_order=order, algorithm_type="dpmsolver++", final_sigmas_type="zero"
        )
    raise T2WError(f"unknown sampler {sampler!r}{nearest(sampler, SAMPLERS)}", expected=f"one of {', '.join(SAMPLERS)}")
