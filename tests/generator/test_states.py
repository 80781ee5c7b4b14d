"""The noisy adapters that a walk passes through."""

from __future__ import annotations

import torch
from torch.testing import assert_close

from t2w.generator import Generator
from t2w.generator.condition import Condition


def test_each_state_is_what_the_next_step_sees(generator: Generator, condition: Condition) -> None:
    predicted, states, timesteps = generator.trajectory(condition, steps=4, seed=2)
    assert states.shape == predicted.shape
    denoiser = generator.denoiser(condition)
    for i, t in enumerate(timesteps[1:]):
        x_t = generator.normalizer.normalize(states[i], condition)
        with torch.no_grad():
            x_0 = denoiser(x_t, torch.full((len(x_t),), t))
        assert_close(generator.normalizer.denormalize(x_0, condition), predicted[i + 1], atol=1e-4, rtol=1e-4)
