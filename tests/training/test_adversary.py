"""The discriminator: who learns from what, in one pass, and all of it resumed."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close
from training_parts import AS_IS, SETTINGS, SPEC, Setup, Stopped, same, state_of, stop_before, train

from t2w.diffusion import linear_schedule
from t2w.generator import WeightTransformer
from t2w.training.adversary import Adversary, discriminator
from t2w.training.objectives import WeightObjective
from t2w.training.rows import WeightRows

CPU = torch.device("cpu")


def test_the_verdict_teaches_the_generator_alone() -> None:
    adversary = Adversary(SPEC.size, CPU)
    x0_hat = torch.randn(8, SPEC.size, requires_grad=True)
    verdict = adversary.verdict(x0_hat)
    verdict.backward()
    assert x0_hat.grad is not None
    assert bool(x0_hat.grad.abs().max() > 0)
    assert all(p.grad is None and p.requires_grad for p in adversary.network.parameters())
    logits = adversary.network(x0_hat)
    assert_close(verdict, torch.log1p((-logits).exp()).mean())


def test_its_gradient_is_that_of_the_discriminator_that_judged() -> None:
    """The discriminator learns between the verdict and the walk back; the generator must not notice."""
    adversary, x0_hat = Adversary(SPEC.size, CPU), torch.randn(8, SPEC.size, requires_grad=True)
    (expected,) = torch.autograd.grad(adversary.verdict(x0_hat), x0_hat)
    verdict = adversary.verdict(x0_hat)
    adversary.learn(torch.randn(8, SPEC.size), x0_hat.detach())
    (found,) = torch.autograd.grad(verdict, x0_hat)
    assert torch.equal(found, expected)


def test_it_learns_to_tell() -> None:
    adversary, rng = Adversary(SPEC.size, CPU), torch.Generator().manual_seed(0)
    before = {name: value.clone() for name, value in adversary.network.state_dict().items()}
    losses = []
    for _ in range(60):
        real, fake = torch.randn(2, 32, SPEC.size, generator=rng)
        losses.append(adversary.learn(real, 0.3 * fake))
    assert losses[0] == pytest.approx(math.log(2), abs=0.05)
    assert losses[-1] < 0.2
    assert all(not torch.equal(value, before[name]) for name, value in adversary.network.state_dict().items())
    fooled, caught = adversary.verdict(torch.randn(32, SPEC.size, generator=rng)), adversary.verdict(fake * 0.3)
    assert caught > 2 * fooled


def test_its_first_weights_depend_on_the_seed_alone() -> None:
    before = torch.get_rng_state()
    one, two, other = (discriminator(SPEC.size, seed=seed).state_dict() for seed in (1, 1, 2))
    assert same(one, two)
    assert not same(one, other)
    assert torch.equal(torch.get_rng_state(), before)
    assert sum(value.numel() for value in one.values()) == SPEC.size * 512 + 512 + 512 * 256 + 256 + 256 + 1


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_the_network_is_called_once_per_step(setup: Setup, monkeypatch: pytest.MonkeyPatch, weight: float) -> None:
    calls, real = [], WeightTransformer.forward

    def forward(self: WeightTransformer, *args: torch.Tensor) -> torch.Tensor:
        calls.append(self.training)
        return real(self, *args)

    monkeypatch.setattr(WeightTransformer, "forward", forward)
    train(setup, adversarial=weight, validate_every=100)
    assert sum(calls) == SETTINGS.steps


def test_its_verdict_is_in_the_loss(setup: Setup) -> None:
    rows = WeightRows(SPEC, setup.x_0, AS_IS, CPU)
    network, losses = setup.network().eval(), {}
    for weight in (0.0, 0.5, 2.0):
        adversary = Adversary(SPEC.size, CPU) if weight else None
        settings = replace(SETTINGS, adversarial=weight)
        objective = WeightObjective(rows, setup.condition, linear_schedule(1000), settings, adversary=adversary)
        losses[weight] = objective(network, 0, slice(0, 8))
    verdict = losses[0.5].figures["adversarial"]
    assert losses[0.0].figures == {}
    for weight in (0.5, 2.0):
        assert_close(losses[weight].total, losses[0.0].total + weight * verdict)


@pytest.mark.parametrize("stop", [5, 9])
def test_both_networks_are_resumed(setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int) -> None:
    _, whole = train(setup, tmp_path / "whole", adversarial=0.3)
    with monkeypatch.context() as patch:
        stop_before(stop, patch)
        with pytest.raises(Stopped):
            train(setup, tmp_path / "cut", adversarial=0.3)
    _, continued = train(setup, tmp_path / "cut", adversarial=0.3)
    state = state_of(tmp_path / "cut")
    assert state["objective"]["adversary"]["optimizer"]["state"]  # it is there at all
    assert same(state_of(tmp_path / "whole"), state)
    assert same(whole.weights, continued.weights)
    assert not same(whole.weights, train(setup)[1].weights)  # and it matters
