"""Gaussian diffusion: the noise schedule, which timesteps are visited, samplers. Knows nothing of weights."""

from t2w.diffusion.respacing import respace, respaced, trailing_timesteps
from t2w.diffusion.samplers import SAMPLERS, Denoiser, Noise, Sampler, Samples, sample
from t2w.diffusion.schedule import NoiseSchedule, fixed_large_log_variance, linear_schedule, posterior, q_sample
from t2w.diffusion.timestep_samplers import LossSecondMoment

__all__ = [
    "SAMPLERS",
    "Denoiser",
    "LossSecondMoment",
    "Noise",
    "NoiseSchedule",
    "Sampler",
    "Samples",
    "fixed_large_log_variance",
    "linear_schedule",
    "posterior",
    "q_sample",
    "respace",
    "respaced",
    "sample",
    "trailing_timesteps",
]
