from __future__ import annotations

import pytest
import torch
from torch import Tensor

from t2w.diffusion import LossSecondMoment

T = 50


def _rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _loss(t: Tensor) -> Tensor:
    return 0.1 + (t.float() / T) ** 2


def _trained(rounds: int = 10) -> LossSecondMoment:
    sampler = LossSecondMoment(T)
    for _ in range(rounds):
        sampler.update(torch.arange(T), _loss(torch.arange(T)))
    return sampler


def test_draws_are_timesteps_with_weights() -> None:
    sampler = LossSecondMoment(T)
    before = torch.get_rng_state()
    t, weight = sampler.sample(4000, _rng())
    assert t.dtype == torch.int64
    assert weight.dtype == torch.float32
    assert t.shape == weight.shape == (4000,)
    assert set(t.tolist()) == set(range(T))
    assert torch.equal(weight, torch.ones(4000))
    assert torch.equal(sampler.sample(4000, _rng())[0], t)
    assert torch.equal(torch.get_rng_state(), before)


def test_an_unfinished_history_draws_evenly() -> None:
    sampler = _trained(rounds=9)
    sampler.update(torch.arange(1, T), _loss(torch.arange(1, T)))
    assert torch.equal(sampler.probabilities(), torch.full((T,), 1 / T, dtype=torch.float64))
    sampler.update(torch.tensor([0]), torch.tensor([0.1]))
    assert sampler.probabilities()[-1].item() > 1.5 / T


def test_probability_follows_the_root_mean_square_of_the_last_losses() -> None:
    sampler = LossSecondMoment(3, history=2, uniform=0.1)
    sampler.update(torch.tensor([0, 1, 2, 2, 0, 1, 2]), torch.tensor([1.0, 2.0, 50.0, 3.0, 1.0, 2.0, 4.0]))
    size = torch.tensor([1.0, 2.0, 12.5**0.5], dtype=torch.float64)  # timestep 2 has forgotten its 50
    torch.testing.assert_close(sampler.probabilities(), 0.9 * size / size.sum() + 0.1 / 3)


def test_weights_make_the_mean_loss_unbiased() -> None:
    sampler = _trained()
    p = sampler.probabilities()
    assert p.sum().item() == pytest.approx(1, abs=1e-12)
    t, weight = sampler.sample(200_000, _rng())
    torch.testing.assert_close(weight.double(), 1 / (T * p[t]), rtol=1e-6, atol=0)
    mean = _loss(torch.arange(T)).mean().item()
    assert (weight * _loss(t)).mean().item() == pytest.approx(mean, rel=2e-3)
    assert _loss(t).mean().item() > 1.2 * mean  # the weights have something to undo


def test_drawing_by_loss_lowers_the_variance_of_the_mean_loss() -> None:
    t, weight = _trained().sample(20_000, _rng())
    even = torch.randint(0, T, (20_000,), generator=_rng())
    assert (weight * _loss(t)).std() < 0.05 * _loss(even).std()


def test_losses_of_zero_draw_evenly() -> None:
    sampler = LossSecondMoment(4, history=1)
    sampler.update(torch.arange(4), torch.zeros(4))
    assert sampler.sample(10, _rng())[1].tolist() == [1.0] * 10


def test_a_resumed_sampler_goes_on_exactly() -> None:
    first, rng = LossSecondMoment(T), _rng()
    for i in range(60):
        t, _ = first.sample(16, rng)
        first.update(t, _loss(t) * (1 + i % 3))
    state, kept = first.state_dict(), rng.get_state()
    again = LossSecondMoment(T)
    again.load_state_dict(state)

    def goes_on(sampler: object, rng: torch.Generator) -> list[int]:
        drawn = []
        for _ in range(30):
            t, _ = sampler.sample(16, rng)  # type: ignore[attr-defined]
            sampler.update(t, _loss(t))  # type: ignore[attr-defined]
            drawn += t.tolist()
        return drawn

    resumed = torch.Generator()
    resumed.set_state(kept)
    assert goes_on(first, rng) == goes_on(again, resumed)
    assert all(isinstance(value, Tensor) for value in state.values())


def test_the_saved_state_is_a_copy() -> None:
    sampler = _trained()
    state = sampler.state_dict()
    before = {name: value.clone() for name, value in state.items()}
    sampler.update(torch.arange(T), torch.full((T,), 9.0))
    assert all(torch.equal(state[name], before[name]) for name in state)
