"""Every sampler against what it must do for denoisers known in closed form."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from t2w.cli.generate import generate
from t2w.diffusion import SAMPLERS, Denoiser, linear_schedule, respaced, sample, trailing_timesteps
from t2w.errors import T2WError

SCHEDULE = linear_schedule()
MU, SIGMA = 1.5, 0.4
DETERMINISTIC = [name for name in SAMPLERS if name != "ancestral"]


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


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_gaussian_is_recovered(sampler: str) -> None:
    # With as many steps as each wants: ancestral sampling converges slowest.
    steps = {"ddim": 200, "dpm++": 50, "ancestral": 1000}[sampler]
    rng = torch.Generator().manual_seed(1)
    x_0 = sample(gaussian_denoiser, _noise(20_000), sampler=sampler, steps=steps, generator=rng).x_0
    assert x_0.mean().item() == pytest.approx(MU, abs=0.02)
    assert x_0.std().item() == pytest.approx(SIGMA, abs=0.02)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_one_step_is_the_prediction_from_pure_noise(sampler: str) -> None:
    x_T = _noise(5)
    found = sample(gaussian_denoiser, x_T, sampler=sampler, steps=1)
    assert torch.equal(found.x_0, gaussian_denoiser(x_T, torch.full((5,), 999)))


def _flow(x_T: Tensor) -> Tensor:
    # For Gaussian data the flow keeps every point's standard score, so x_0 is known pointwise (up to alpha_bar_T > 0).
    bar = SCHEDULE.alpha_bar[-1].item()
    return MU + SIGMA * (x_T - bar**0.5 * MU) / (bar * SIGMA**2 + 1 - bar) ** 0.5


@pytest.mark.parametrize("sampler", DETERMINISTIC)
def test_deterministic_samplers_follow_the_probability_flow(sampler: str) -> None:
    x_T = _noise(100)
    found = sample(gaussian_denoiser, x_T, sampler=sampler, steps=400).x_0
    torch.testing.assert_close(found, _flow(x_T), atol=0.02, rtol=0)


def test_second_order_needs_fewer_steps() -> None:
    x_T = _noise(100)

    def error(name: str) -> float:
        return (sample(gaussian_denoiser, x_T, sampler=name, steps=20).x_0 - _flow(x_T)).abs().mean().item()

    assert error("dpm++") < 0.7 * error("ddim")


@pytest.mark.parametrize("steps", [5, 25])
def test_ancestral_sampling_has_the_variance_of_its_recursion(steps: int) -> None:
    # Everything is Gaussian, so mean and variance of every x_t follow in closed form from the step's own definition.
    visited = [round(i) for i in torch.linspace(999, 0, steps).tolist()]
    few = respaced(SCHEDULE, visited)
    mean, variance = 0.0, 1.0
    for i in range(steps - 1, -1, -1):
        bar, prev, beta = (table[i].item() for table in (few.alpha_bar, few.alpha_bar_prev, few.betas))
        gain = bar**0.5 * SIGMA**2 / (bar * SIGMA**2 + 1 - bar)
        c_0, c_t = beta * prev**0.5 / (1 - bar), (1 - prev) * (1 - beta) ** 0.5 / (1 - bar)
        mean = (c_0 * gain + c_t) * mean + c_0 * (MU - gain * bar**0.5 * MU)
        variance = (c_0 * gain + c_t) ** 2 * variance + (beta if i else 0.0)
    rng = torch.Generator().manual_seed(2)
    x_0 = sample(gaussian_denoiser, _noise(100_000), sampler="ancestral", timesteps=visited, generator=rng).x_0
    assert x_0.mean().item() == pytest.approx(mean, abs=0.005)
    assert x_0.std().item() == pytest.approx(variance**0.5, rel=0.01)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_samplers_take_uneven_timesteps(sampler: str) -> None:
    visited, rng = [999, 998, 700, 31, 30, 3], torch.Generator().manual_seed(0)
    seen = _seen(point_denoiser, _noise(4), sampler=sampler, timesteps=visited, generator=rng)
    assert seen.shape == (6, 4, 2)
    assert seen.isfinite().all()


def _seen(denoiser: Denoiser, x_T: Tensor, **how: Any) -> Tensor:
    """What the denoiser is shown along the way."""
    asked: list[Tensor] = []
    sample(lambda x_t, t: asked.append(x_t) or denoiser(x_t, t), x_T, **how)  # type: ignore[func-returns-value]
    return torch.stack(asked)


def test_ddim_is_exact_for_a_point() -> None:
    # The noise in x_t never changes when x_0 is known, so every state is q_sample with the very same noise.
    x_T, visited = _noise(4), [999, 500, 20, 7]
    bar = SCHEDULE.alpha_bar[torch.tensor(visited)].float()
    noise = (x_T - bar[0].sqrt() * MU) / (1 - bar[0]).sqrt()
    for state, kept in zip(_seen(point_denoiser, x_T, timesteps=visited), bar, strict=True):
        torch.testing.assert_close(state, kept.sqrt() * MU + (1 - kept).sqrt() * noise, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("sampler", "order"), [("ddim", 1), ("dpm++", 2)])
@pytest.mark.parametrize("steps", [2, 10, 50])
def test_equal_to_the_library_s(sampler: str, order: int, steps: int) -> None:
    library = pytest.importorskip("diffusers.schedulers.scheduling_dpmsolver_multistep")
    few = respaced(SCHEDULE, trailing_timesteps(steps))
    solver = library.DPMSolverMultistepScheduler(
        num_train_timesteps=steps, trained_betas=few.betas.tolist(), prediction_type="sample",
        timestep_spacing="trailing", solver_order=order, final_sigmas_type="zero",
    )  # fmt: skip
    solver.alphas_cumprod = few.alpha_bar.float()  # its own is a product in float32
    solver.set_timesteps(steps)
    x_T = x_t = _noise(16)
    for i, t in enumerate(trailing_timesteps(steps)):
        x_t = solver.step(gaussian_denoiser(x_t, torch.full((16,), t)), steps - 1 - i, x_t).prev_sample
    torch.testing.assert_close(sample(gaussian_denoiser, x_T, sampler=sampler, steps=steps).x_0, x_t, atol=2e-5, rtol=0)


def test_noise_is_repeatable_and_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    one, two, other = (
        sample(gaussian_denoiser, _noise(4), sampler="ancestral", generator=torch.Generator().manual_seed(s)).x_0
        for s in (3, 3, 4)
    )
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_with_a_generator_per_row_a_row_does_not_depend_on_the_others() -> None:
    def rows(which: slice) -> Tensor:
        sources = [torch.Generator().manual_seed(seed) for seed in range(5)[which]]
        return sample(gaussian_denoiser, _noise(5)[which], sampler="ancestral", generator=sources).x_0

    assert torch.equal(rows(slice(0, 5))[2:4], rows(slice(2, 4)))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_trajectory_ends_in_x_0_and_starts_from_pure_noise(sampler: str) -> None:
    asked: list[tuple[Tensor, int]] = []

    def watching(x_t: Tensor, t: Tensor) -> Tensor:
        assert t.shape == (3,)
        assert t.dtype == torch.int64
        asked.append((x_t, int(t[0])))
        return gaussian_denoiser(x_t, t)

    x_T = _noise(3)
    rng = torch.Generator().manual_seed(0)
    found = sample(watching, x_T, sampler=sampler, steps=6, trajectory=True, generator=rng)
    assert found.trajectory is not None
    assert found.trajectory.shape == (6, 3, 2)
    assert torch.equal(found.trajectory[-1], found.x_0)
    assert found.states is not None
    assert torch.equal(found.states[:-1], torch.stack([x_t for x_t, _ in asked[1:]]))
    assert torch.equal(asked[0][0], x_T)
    assert tuple(t for _, t in asked) == found.timesteps
    assert found.timesteps[0] == 999


def test_nothing_is_kept_unasked() -> None:
    found = sample(gaussian_denoiser, _noise(3), steps=3)
    assert found.trajectory is None
    assert found.states is None


def test_a_respacing_string_stands_for_its_timesteps() -> None:
    assert sample(point_denoiser, _noise(2), timesteps="ddim4").timesteps == (750, 500, 250, 0)


@pytest.mark.parametrize("steps", [0, -1, 1001])
def test_impossible_step_counts_are_refused(steps: int) -> None:
    with pytest.raises(T2WError, match="expected 1 to 1000"):
        sample(point_denoiser, _noise(2), steps=steps)


def test_unknown_sampler_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(T2WError, match=r"did you mean 'ddim'.*ddim, dpm\+\+, .*ancestral"):
        sample(point_denoiser, _noise(2), sampler="dddim")  # type: ignore[arg-type]


def test_other_schedules_are_used() -> None:
    short = linear_schedule(100)
    denoiser: Denoiser = lambda x_t, t: torch.full_like(x_t, float(t[0]))  # noqa: E731
    found = sample(denoiser, _noise(2), steps=4, schedule=short, trajectory=True)
    assert found.timesteps == (99, 74, 49, 24)


def test_the_command_line_names_the_same_samplers() -> None:
    choice = next(p for p in generate.params if p.name == "sampler").type
    assert tuple(choice.choices) == SAMPLERS  # type: ignore[attr-defined]
