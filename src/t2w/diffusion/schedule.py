"""The forward process: how x_0 turns into noise over T timesteps, as tables in float64."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from t2w.errors import T2WError

__all__ = ["NoiseSchedule", "fixed_large_log_variance", "linear_schedule", "posterior", "q_sample"]


@dataclass(frozen=True, eq=False)
class NoiseSchedule:
    """Variances of q(x_t | x_{t-1}) for t = 0 .. T-1 and what follows from them."""

    betas: Tensor  # (T,) float64, each in (0, 1)

    @property
    def timesteps(self) -> int:
        """T, the number of training timesteps."""
        return len(self.betas)

    @cached_property
    def alphas(self) -> Tensor:
        """(T,) 1 - betas."""
        return 1.0 - self.betas

    @cached_property
    def alpha_bar(self) -> Tensor:
        """(T,) share of x_0's variance that is left at each timestep: the product of alphas up to it."""
        return torch.cumprod(self.alphas, dim=0)

    @cached_property
    def alpha_bar_prev(self) -> Tensor:
        """(T,) alpha_bar one timestep earlier; 1 before the first."""
        return torch.cat([torch.ones(1, dtype=torch.float64), self.alpha_bar[:-1]])

    @cached_property
    def snr(self) -> Tensor:
        """(T,) signal-to-noise ratio alpha_bar / (1 - alpha_bar)."""
        return self.alpha_bar / (1.0 - self.alpha_bar)

    def at(self, table: Tensor, t: Tensor, like: Tensor) -> Tensor:
        """Entries of a (T,) table at t (N,), in dtype and on device of `like` (N, ...), shaped to multiply it."""
        values = table.to(like.dtype).to(like.device)[t.to(like.device)]  # dtype first: MPS has no float64
        return values.view(-1, *[1] * (like.ndim - 1))


def linear_schedule(timesteps: int = 1000) -> NoiseSchedule:
    """Linear betas from 1e-4 to 0.02 (Ho et al. 2020), for other than 1000 timesteps scaled so that x_T is as noisy."""
    scale = 1000 / timesteps if timesteps > 0 else float("inf")
    if scale * 0.02 >= 1:
        raise T2WError(
            f"{timesteps} diffusion timesteps",
            expected="at least 21: with fewer the variances would not stay below 1",
            fix="1000 is the usual number",
        )
    # On the CPU by name: under `torch.device("meta")` the first table would cost a second of imports.
    return NoiseSchedule(torch.linspace(scale * 1e-4, scale * 0.02, timesteps, dtype=torch.float64, device="cpu"))


def q_sample(schedule: NoiseSchedule, x_0: Tensor, t: Tensor, noise: Tensor) -> Tensor:
    """x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) noise; x_0 and noise (N, ...), t (N,) in 0 .. T-1."""
    a = schedule.at(schedule.alpha_bar.sqrt(), t, x_0)
    s = schedule.at((1.0 - schedule.alpha_bar).sqrt(), t, x_0)
    return a * x_0 + s * noise


def posterior(schedule: NoiseSchedule, x_0: Tensor, x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (N, ...) and variance (N, 1, ...) of q(x_{t-1} | x_t, x_0), Ho et al. 2020, equations 6 and 7."""
    bar, prev = schedule.alpha_bar, schedule.alpha_bar_prev
    c_0 = schedule.at(schedule.betas * prev.sqrt() / (1.0 - bar), t, x_0)
    c_t = schedule.at((1.0 - prev) * schedule.alphas.sqrt() / (1.0 - bar), t, x_0)
    variance = schedule.at(schedule.betas * (1.0 - prev) / (1.0 - bar), t, x_0)
    return c_0 * x_0 + c_t * x_t, variance


def fixed_large_log_variance(schedule: NoiseSchedule) -> Tensor:
    """(T,) log of the larger of the two usual reverse variances: beta_t, and at t = 0 the posterior's at t = 1.

    Beta is the variance where x_0 is standard normal (Ho et al. 2020, section 3.2). At t = 0 it would be too large and
    the posterior's is zero, so the next one is the usual stand-in.
    """
    bar, prev = schedule.alpha_bar[1:2], schedule.alpha_bar_prev[1:2]
    return torch.cat([schedule.betas[1:2] * (1.0 - prev) / (1.0 - bar), schedule.betas[1:]])[: schedule.timesteps].log()
