from __future__ import annotations

import pytest
import torch
from torch import Tensor

from t2w.diffusion import SAMPLERS, Denoiser, linear_schedule, sample, trailing_timesteps
from t2w.errors import T2WError

SCHEDULE = linear_schedule()
MU, SIGMA = 1.5, 0.4


def gaussian_denoiser(x_t: Tensor, t: Tensor) -> Tensor:
    """E[x_0 | x_t] for data N(MU, SIGMA^2), in closed form."""
    bar = SCHEDULE.at(SCHEDULE.alpha_bar, t, x_t)
    gain = bar.sqrt() * SIGMA**2 / (bar * SIGMA**2 + 1 - bar)
    return MU + gain * (x_t - bar.sqrt() * MU)


def point_denoiser(x_t: Tensor, t: Tensor) -> Tensor:
    return torch.full_like(x_t, MU)


def _noise(n: int, d: int = 2, seed: int = 0) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 2, 7, 10, 50])
def test_a_point_mass_is_recovered_exactly(sampler: str, steps: int) -> None:
    found = sample(point_denoiser, _noise(8), sampler=sampler, steps=steps, generator=torch.Generator().manual_seed(0))
    assert torch.equal(found.x_0, torch.full((8, 2), MU))


@pytest.mark.parametrize(("sampler", "steps"), [("ddim", 200), ("dpm++", 50), ("ancestral", 1000)])
def test_a_gaussian_is_recovered(sampler: str, steps: int) -> None:
    rng = torch.Generator().manual_seed(1)
    x_0 = sample(gaussian_denoiser, _noise(20_000), sampler=sampler, steps=steps, generator=rng).x_0
    assert x_0.mean().item() == pytest.approx(MU, abs=0.02)
    assert x_0.std().item() == pytest.approx(SIGMA, abs=0.02)


@pytest.mark.parametrize("sampler", ["ddim", "dpm++"])
def test_deterministic_samplers_follow_the_probability_flow(sampler: str) -> None:
    # For Gaussian data the flow keeps every point's standard score, so x_0 is known pointwise (up to alpha_bar_T > 0).
    x_T = _noise(100)
    bar = SCHEDULE.alpha_bar[-1].item()
    expected = MU + SIGMA * (x_T - bar**0.5 * MU) / (bar * SIGMA**2 + 1 - bar) ** 0.5
    found = sample(gaussian_denoiser, x_T, sampler=sampler, steps=400).x_0
    torch.testing.assert_close(found, expected, atol=0.02, rtol=0)


def test_second_order_needs_fewer_steps() -> None:
    x_T = _noise(100)
    bar = SCHEDULE.alpha_bar[-1].item()
    expected = MU + SIGMA * (x_T - bar**0.5 * MU) / (bar * SIGMA**2 + 1 - bar) ** 0.5

    def error(name: str) -> float:
        return (sample(gaussian_denoiser, x_T, sampler=name, steps=20).x_0 - expected).abs().mean().item()

    assert error("dpm++") < 0.7 * error("ddim")


@pytest.mark.parametrize("steps", [2, 10, 50])
def test_ddim_equals_the_library_ddim_where_steps_divide_the_timesteps(steps: int) -> None:
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    reference = DDIMScheduler(prediction_type="sample", clip_sample=False, timestep_spacing="trailing")
    reference.set_timesteps(steps)
    x_T = x_t = _noise(16)
    for t in reference.timesteps:
        x_t = reference.step(gaussian_denoiser(x_t, t.expand(16)), t, x_t).prev_sample
    torch.testing.assert_close(sample(gaussian_denoiser, x_T, steps=steps).x_0, x_t, atol=2e-5, rtol=0)


def test_ancestral_is_repeatable_and_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    one, two, other = (
        sample(gaussian_denoiser, _noise(4), sampler="ancestral", generator=torch.Generator().manual_seed(s)).x_0
        for s in (3, 3, 4)
    )
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_trajectory_ends_in_x_0_and_starts_from_pure_noise(sampler: str) -> None:
    asked: list[tuple[Tensor, int]] = []

    def watching(x_t: Tensor, t: Tensor) -> Tensor:
        assert t.shape == (3,)
        assert t.dtype == torch.int64
        asked.append((x_t, int(t[0])))
        return gaussian_denoiser(x_t, t)

    x_T = _noise(3)
    found = sample(watching, x_T, sampler=sampler, steps=6, trajectory=True, generator=torch.Generator().manual_seed(0))
    assert found.trajectory is not None
    assert found.trajectory.shape == (6, 3, 2)
    assert torch.equal(found.trajectory[-1], found.x_0)
    assert torch.equal(asked[0][0], x_T)
    assert tuple(t for _, t in asked) == found.timesteps
    assert found.timesteps[0] == 999


@pytest.mark.parametrize("steps", [1, 3, 10, 16, 600, 1000])
def test_timesteps_fall_from_the_last(steps: int) -> None:
    visited = trailing_timesteps(steps)
    assert len(visited) == steps
    assert visited[0] == 999
    assert min(visited) >= 0
    assert list(visited) == sorted(set(visited), reverse=True)


def test_all_thousand_steps_visit_every_timestep() -> None:
    assert trailing_timesteps(1000) == tuple(range(999, -1, -1))


@pytest.mark.parametrize("steps", [0, -1, 1001])
def test_impossible_step_counts_are_refused(steps: int) -> None:
    with pytest.raises(T2WError, match="expected 1 to 1000"):
        sample(point_denoiser, _noise(2), steps=steps)


def test_unknown_sampler_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(T2WError, match=r"did you mean 'ddim'.*ddim, dpm\+\+, ancestral"):
        sample(point_denoiser, _noise(2), sampler="dddim")  # type: ignore[arg-type]


def test_other_schedules_are_used() -> None:
    short = linear_schedule(100)
    denoiser: Denoiser = lambda x_t, t: torch.full_like(x_t, float(t[0]))  # noqa: E731
    found = sample(denoiser, _noise(2), steps=4, schedule=short, trajectory=True)
    assert found.timesteps == (99, 74, 49, 24)
