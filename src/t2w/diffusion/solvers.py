"""The samplers by name: how each gets from x_t to the x of the next timestep, given the predicted x_0.

A solver sees a schedule of exactly the timesteps that are visited (see `respaced`), so any sequence of timesteps suits
all of them. What diffusers offers beyond this table needs epsilon or v (Heun, LMS, PNDM, Euler ancestral), cannot take
one step (single-step DPM-Solver), is DDIM in other words (Euler), or samples too narrow a distribution unless the
network was distilled for it (LCM).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from torch import Tensor

from t2w.diffusion.schedule import NoiseSchedule, fixed_large_log_variance, posterior

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["SAMPLERS", "SOLVERS", "Sampler", "Solver"]

Sampler = Literal["ddim", "dpm++", "dpm++3m", "dpm++sde", "unipc", "deis", "sa", "ancestral"]
SAMPLERS: tuple[str, ...] = get_args(Sampler)

Step: TypeAlias = Callable[[Tensor, Tensor, int], Tensor]  # x0_hat (N, D), x_t (N, D), index i -> x of index i-1 (N, D)
Build: TypeAlias = Callable[[NoiseSchedule, "torch.Generator | None", torch.device], Step]


@dataclass(frozen=True)
class Solver:
    """A way from x_t to x_0.

    Fields:
        about: what it is, in a sentence.
        build: makes the step function for a respaced schedule, a source of noise (None for torch's own) and a device.
        stochastic: whether it adds noise on the way.
    """

    about: str
    build: Build
    stochastic: bool


def _diffusers(about: str, module: str, scheduler: str, *, stochastic: bool = False, **options: Any) -> Solver:
    def build(schedule: NoiseSchedule, generator: torch.Generator | None, device: torch.device) -> Step:
        # Each scheduler of diffusers takes over a second to import, so only the one that is used.
        solver = getattr(import_module(f"diffusers.schedulers.{module}"), scheduler)(
            num_train_timesteps=schedule.timesteps,
            trained_betas=schedule.betas.tolist(),
            prediction_type="sample",
            timestep_spacing="trailing",
            **options,
        )
        # It multiplies betas in float32, where a respaced beta next to 1 leaves nothing of alpha_bar.
        solver.alphas_cumprod = schedule.alpha_bar.float()
        solver.set_timesteps(schedule.timesteps, device=device)
        source = {"generator": generator} if stochastic else {}
        return lambda x_0, x_t, i: solver.step(x_0, i, x_t, **source).prev_sample

    return Solver(about, build, stochastic)


def _ancestral(schedule: NoiseSchedule, generator: torch.Generator | None, device: torch.device) -> Step:
    log_variance = fixed_large_log_variance(schedule)

    def step(x_0: Tensor, x_t: Tensor, i: int) -> Tensor:
        t = torch.full((len(x_t),), i, device=device)
        mean, _ = posterior(schedule, x_0, x_t, t)
        # Drawn at the last step too, though masked: successive batches then use the random stream as published runs do.
        noise = torch.randn(x_t.shape, generator=generator, device=device, dtype=x_t.dtype)
        return mean + schedule.at((0.5 * log_variance).exp(), t, x_t) * noise if i > 0 else mean

    return step


def _dpm(about: str, order: int, algorithm: str = "dpmsolver++", *, stochastic: bool = False) -> Solver:
    return _diffusers(
        about,
        "scheduling_dpmsolver_multistep",
        "DPMSolverMultistepScheduler",
        stochastic=stochastic,
        solver_order=order,
        algorithm_type=algorithm,
        final_sigmas_type="zero",
    )


SOLVERS: dict[Sampler, Solver] = {
    "ddim": _dpm("deterministic, first order (Song et al. 2021), as the first-order DPM-Solver++ it is", 1),
    "dpm++": _dpm("deterministic, second order (DPM-Solver++ 2M, Lu et al. 2022)", 2),
    "dpm++3m": _dpm("deterministic, third order (DPM-Solver++ 3M), for a smooth denoiser", 3),
    "dpm++sde": _dpm("fresh noise at every step, second order", 2, "sde-dpmsolver++", stochastic=True),
    "unipc": _diffusers(
        "deterministic, second order, each step corrected by the next prediction (UniPC, Zhao et al. 2023)",
        "scheduling_unipc_multistep",
        "UniPCMultistepScheduler",
        final_sigmas_type="zero",
    ),
    "deis": _diffusers(
        "deterministic, second order, exponential integrator (DEIS, Zhang and Chen 2023)",
        "scheduling_deis_multistep",
        "DEISMultistepScheduler",
    ),
    "sa": _diffusers(
        "fresh noise at every step, third order with corrector (SA-Solver, Xue et al. 2023); for some 100 steps",
        "scheduling_sasolver",
        "SASolverScheduler",
        stochastic=True,
        tau_func=lambda t: 1.0,  # its own default adds noise at timesteps 200 .. 800 of 1000 only
    ),
    "ancestral": Solver(
        "fresh noise at every step with the larger of the two usual variances (Ho et al. 2020), as the paper samples; "
        "for many steps",
        _ancestral,
        stochastic=True,
    ),
}
