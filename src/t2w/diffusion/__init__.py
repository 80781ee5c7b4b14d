"""Gaussian diffusion: noise schedules, the names of a prediction, samplers. Knows nothing of weights."""

from t2w.diffusion.conversions import (
    epsilon_from_v,
    epsilon_from_x_0,
    v_from_epsilon,
    v_from_x_0,
    x_0_from_epsilon,
    x_0_from_v,
)
from t2w.diffusion.respacing import respace, respaced, trailing_timesteps
from t2w.diffusion.samplers import Denoiser, Samples, sample
from t2w.diffusion.schedule import (
    SCHEDULES,
    NoiseSchedule,
    cosine_schedule,
    fixed_large_log_variance,
    linear_schedule,
    posterior,
    q_sample,
    schedule,
)
from t2w.diffusion.solvers import SAMPLERS, SOLVERS, Sampler, Solver
from t2w.diffusion.timestep_samplers import (
    TIMESTEP_SAMPLERS,
    LossSecondMoment,
    TimestepSampler,
    UniformTimesteps,
    timestep_sampler,
)

__all__ = [
    "SAMPLERS",
    "SCHEDULES",
    "SOLVERS",
    "TIMESTEP_SAMPLERS",
    "Denoiser",
    "LossSecondMoment",
    "NoiseSchedule",
    "Sampler",
    "Samples",
    "Solver",
    "TimestepSampler",
    "UniformTimesteps",
    "cosine_schedule",
    "epsilon_from_v",
    "epsilon_from_x_0",
    "fixed_large_log_variance",
    "linear_schedule",
    "posterior",
    "q_sample",
    "respace",
    "respaced",
    "sample",
    "schedule",
    "timestep_sampler",
    "trailing_timesteps",
    "v_from_epsilon",
    "v_from_x_0",
    "x_0_from_epsilon",
    "x_0_from_v",
]
