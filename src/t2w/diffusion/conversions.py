"""x_0, epsilon and v: three names for one prediction, given x_t and t.

With a = sqrt(alpha_bar_t) and s = sqrt(1 - alpha_bar_t): x_t = a x_0 + s epsilon, v = a epsilon - s x_0 (Salimans and
Ho 2022). All tensors are (N, ...), t is (N,).
"""

from __future__ import annotations

from torch import Tensor

from t2w.diffusion.schedule import NoiseSchedule

__all__ = ["epsilon_from_v", "epsilon_from_x_0", "v_from_epsilon", "v_from_x_0", "x_0_from_epsilon", "x_0_from_v"]


def _rates(schedule: NoiseSchedule, t: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    a = schedule.at(schedule.alpha_bar.sqrt(), t, like)
    return a, schedule.at((1.0 - schedule.alpha_bar).sqrt(), t, like)


def epsilon_from_x_0(schedule: NoiseSchedule, x_t: Tensor, x_0: Tensor, t: Tensor) -> Tensor:
    a, s = _rates(schedule, t, x_t)
    return (x_t - a * x_0) / s


def x_0_from_epsilon(schedule: NoiseSchedule, x_t: Tensor, epsilon: Tensor, t: Tensor) -> Tensor:
    a, s = _rates(schedule, t, x_t)
    return (x_t - s * epsilon) / a


def v_from_x_0(schedule: NoiseSchedule, x_t: Tensor, x_0: Tensor, t: Tensor) -> Tensor:
    a, s = _rates(schedule, t, x_t)
    return (a * x_t - x_0) / s


def x_0_from_v(schedule: NoiseSchedule, x_t: Tensor, v: Tensor, t: Tensor) -> Tensor:
    a, s = _rates(schedule, t, x_t)
    return a * x_t - s * v


def v_from_epsilon(schedule: NoiseSchedule, x_t: Tensor, epsilon: Tensor, t: Tensor) -> Tensor:
    a, s = _rates(schedule, t, x_t)
    return (epsilon - s * x_t) / a


def epsilon_from_v(schedule: NoiseSchedule, x_t: Tensor, v: Tensor, t: Tensor) -> Tensor:
    a, s = _rates(schedule, t, x_t)
    return s * x_t + a * v
