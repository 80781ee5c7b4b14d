from __future__ import annotations

import pytest
import torch

from t2w.diffusion import fixed_large_log_variance, linear_schedule, posterior, q_sample
from t2w.errors import T2WError

SCHEDULE = linear_schedule()


def _draw(n: int = 64, d: int = 5) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    x_0 = torch.randn(n, d, generator=rng, dtype=torch.float64)
    noise = torch.randn(n, d, generator=rng, dtype=torch.float64)
    return x_0, noise, torch.randint(0, 1000, (n,), generator=rng)


def test_known_constants() -> None:
    # Computed from the definition (linear betas 1e-4 .. 0.02, T = 1000), as the reference has them.
    bar = SCHEDULE.alpha_bar
    assert bar.dtype == torch.float64
    for t, value in ((0, 0.9999), (499, 0.0785872), (999, 4.03583e-5)):
        assert bar[t].item() == pytest.approx(value, rel=1e-5)
    assert SCHEDULE.betas[0].item() == 1e-4
    assert SCHEDULE.betas[999].item() == pytest.approx(0.02, rel=1e-15)


@pytest.mark.parametrize("timesteps", [50, 100, 4000])
def test_other_lengths_end_in_noise_too(timesteps: int) -> None:
    assert 0 < linear_schedule(timesteps).alpha_bar[-1].item() < 1e-4


@pytest.mark.parametrize("timesteps", [0, 1, 20, -5])
def test_too_few_timesteps_are_refused(timesteps: int) -> None:
    with pytest.raises(T2WError, match="at least 21"):
        linear_schedule(timesteps)


def test_the_large_variance_bounds_the_posterior_s() -> None:
    found = fixed_large_log_variance(SCHEDULE).exp()
    t = torch.arange(1, 1000)
    variance = posterior(SCHEDULE, torch.zeros(999, 1), torch.zeros(999, 1), t)[1].squeeze().double()
    torch.testing.assert_close(found[1:], SCHEDULE.betas[1:])
    assert (found[1:] >= variance * (1 - 1e-6)).all()
    assert found[0].item() == pytest.approx(variance[0].item(), rel=1e-6)


def test_q_sample_has_the_moments_of_the_forward_process() -> None:
    n, t = 200_000, 300
    noise = torch.randn(n, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x_t = q_sample(SCHEDULE, torch.full((n, 1), 2.0, dtype=torch.float64), torch.full((n,), t), noise)
    bar = SCHEDULE.alpha_bar[t].item()
    assert x_t.mean().item() == pytest.approx(2 * bar**0.5, abs=0.01)
    assert x_t.var().item() == pytest.approx(1 - bar, abs=0.01)


def test_posterior_of_the_first_timestep_is_x_0_itself() -> None:
    x_0, noise, _ = _draw()
    t = torch.zeros(len(x_0), dtype=torch.int64)
    mean, variance = posterior(SCHEDULE, x_0, q_sample(SCHEDULE, x_0, t, noise), t)
    torch.testing.assert_close(mean, x_0)
    assert variance.abs().max().item() == 0


def test_posterior_agrees_with_bayes() -> None:
    # q(x_{t-1}|x_t,x_0) from the product of two Gaussians: precisions add.
    x_0, noise, t = _draw()
    t = t.clamp(min=1)
    x_t = q_sample(SCHEDULE, x_0, t, noise)
    prev, alpha = (SCHEDULE.at(v, t, x_0) for v in (SCHEDULE.alpha_bar_prev, SCHEDULE.alphas))
    precision = 1 / (1 - prev) + alpha / (1 - alpha)
    expected = (prev.sqrt() * x_0 / (1 - prev) + alpha.sqrt() * x_t / (1 - alpha)) / precision
    mean, variance = posterior(SCHEDULE, x_0, x_t, t)
    torch.testing.assert_close(mean, expected)
    torch.testing.assert_close(variance, 1 / precision)
