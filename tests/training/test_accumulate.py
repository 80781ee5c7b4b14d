"""A batch in parts is the same batch, whatever is done to its texts, weights and timesteps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.testing import assert_close
from training_parts import CONFIG, SETTINGS, Setup, fit
from training_world import SETTINGS as BOTH_PHASES
from training_world import make_world

from t2w.errors import T2WError
from t2w.generator import Condition, condition_of
from t2w.training import TrainSettings
from t2w.training.objectives import disturbed

QUIET = replace(CONFIG, dropout=0.0)


@pytest.mark.parametrize(
    "changes", [{}, {"text_noise": 0.5, "condition_dropout": 0.3}, {"permutation": True, "weighting": "min_snr"}]
)
def test_four_parts_equal_one(setup: Setup, changes: dict[str, Any]) -> None:
    found = []
    for parts in (1, 4):
        settings = replace(SETTINGS, accumulate=parts, steps=6, **changes)
        found.append(fit(setup, settings, config=QUIET)[1])
    assert_close(found[0].train_losses[-1][1], found[1].train_losses[-1][1], atol=1e-6, rtol=0)
    for name, value in found[0].weights.items():
        assert_close(found[1].weights[name], value, atol=1e-5, rtol=0)  # Adam divides gradients by their own size


def test_four_parts_equal_one_in_both_phases() -> None:
    world, second = make_world(), replace(BOTH_PHASES.functional, feature_noise=0.2, label_smoothing=0.1, teacher=0.5)
    one, four = (world.train(accumulate=n, functional=second, text_noise=0.4)[1] for n in (1, 4))
    for name, value in one.weights.items():
        assert_close(four.weights[name], value, atol=1e-6, rtol=0)


def test_batches_that_do_not_divide_are_refused() -> None:
    with pytest.raises(T2WError, match=r"train\.batch_size is 10; expected a multiple of train\.accumulate = 4"):
        TrainSettings(batch_size=10, accumulate=4)
    with pytest.raises(
        T2WError, match=r"train.functional.batch_size is 6; expected a multiple of train\.accumulate = 4"
    ):
        TrainSettings(batch_size=8, accumulate=4, functional=replace(BOTH_PHASES.functional, batch_size=6))


@pytest.mark.parametrize("dim", [8, 16, 20])
def test_a_part_hears_what_it_would_hear_in_the_whole(dim: int) -> None:
    text = torch.randn(6, dim, generator=torch.Generator().manual_seed(0))
    condition = condition_of(text, [[0, 1], [2], [3, 4, 5], [0, 5]])
    settings = replace(SETTINGS, batch_size=4, text_noise=0.8, condition_dropout=0.5)
    whole = disturbed(condition, settings, 3, 4, slice(0, 4))
    for i in range(4):
        part = disturbed(condition.rows([i]), settings, 3, 4, slice(i, i + 1))
        width = part.tokens.shape[1]
        assert torch.equal(part.tokens[0], whole.tokens[i, :width])
        assert torch.equal(part.mask[0], whole.mask[i, :width])


def test_texts_are_left_alone_unless_asked_for() -> None:
    condition = Condition(torch.randn(2, 3, 4), torch.ones(2, 3, dtype=torch.bool))
    assert disturbed(condition, SETTINGS, 0, 2, slice(0, 2)) is condition


def test_about_the_asked_share_hears_nothing() -> None:
    condition = Condition(torch.ones(500, 2, 4), torch.ones(500, 2, dtype=torch.bool))
    told = disturbed(condition, replace(SETTINGS, condition_dropout=0.3), 0, 500, slice(0, 500))
    silent = told.tokens.abs().sum(dim=(1, 2)) == 0
    assert 0.24 < float(silent.float().mean()) < 0.36
    assert torch.equal(told.mask.sum(dim=1), torch.where(silent, 1, 2))
