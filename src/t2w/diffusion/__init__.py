"""Gaussian diffusion: the noise schedule, the names of a prediction, samplers. Knows nothing of weights."""

from t2w.diffusion.conversions import (
    epsilon_from_v,
    epsilon_from_x_0,
    v_from_epsilon,
    v_from_x_0,
    x_0_from_epsilon,
    x_0_from_v,
)
from t2w.diffusion.samplers import SAMPLERS, Denoiser, Sampler, Samples, sample, trailing_timesteps
from t2w.diffusion.schedule import NoiseSchedule, linear_schedule, posterior, q_sample

__all__ = [
    "SAMPLERS",
    "Denoiser",
    "NoiseSchedule",
    "Sampler",
    "Samples",
    "epsilon_from_v",
    "epsilon_from_x_0",
    "linear_schedule",
    "posterior",
    "q_sample",
    "sample",
    "trailing_timesteps",
    "v_from_epsilon",
    "v_from_x_0",
    "x_0_from_epsilon",
    "x_0_from_v",
]
