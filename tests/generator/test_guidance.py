"""Classifier-free guidance: a line through the answers with and without text."""

from __future__ import annotations

import pytest
import torch
from generator_parts import SPEC, random
from torch.testing import assert_close

from t2w.generator import Condition, Generator, without_text

X_T, T = random(3, SPEC.size), torch.tensor([999, 500, 20])


def answer(generator: Generator, condition: Condition, guidance: float) -> torch.Tensor:
    with torch.no_grad():
        return generator.denoiser(condition, guidance=guidance)(X_T, T)


def test_scale_one_is_plain(generator: Generator, condition: Condition) -> None:
    assert torch.equal(answer(generator, condition, 1.0), generator.network(X_T, T, condition))


def test_scale_zero_is_without_text(generator: Generator, condition: Condition) -> None:
    silent = without_text(condition, torch.ones(3, dtype=torch.bool))
    assert_close(answer(generator, condition, 0.0), generator.network(X_T, T, silent))
    assert (answer(generator, condition, 0.0) - answer(generator, condition, 1.0)).abs().max() > 1e-3


@pytest.mark.parametrize("scale", [0.3, 2.0, -1.0])
def test_linear_between_and_beyond(generator: Generator, condition: Condition, scale: float) -> None:
    without, plain = answer(generator, condition, 0.0), answer(generator, condition, 1.0)
    assert_close(answer(generator, condition, scale), without + scale * (plain - without), atol=1e-5, rtol=1e-5)


def test_the_network_is_asked_twice_only_where_it_helps(generator: Generator, condition: Condition) -> None:
    calls: list[int] = []
    handle = generator.network.register_forward_hook(lambda *_: calls.append(1))
    answer(generator, condition, 1.0)
    assert len(calls) == 1
    answer(generator, condition, 1.5)
    assert len(calls) == 3
    handle.remove()


def test_generate_is_guided(generator: Generator, condition: Condition) -> None:
    plain, guided = (generator.generate(condition, steps=2, guidance=scale) for scale in (1.0, 3.0))
    assert torch.equal(plain, generator.generate(condition, steps=2))
    assert (plain - guided).abs().max() > 1e-3
