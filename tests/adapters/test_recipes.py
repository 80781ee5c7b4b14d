"""Recipes: steps, schedules, and what they refuse."""

from __future__ import annotations

import pytest

from t2w.adapters import RECIPES, recipe
from t2w.errors import T2WError


def test_the_papers_recipe_is_ten_passes_at_a_constant_rate() -> None:
    paper = recipe("paper")
    assert (paper.learning_rate, paper.schedule, paper.batch_size) == (1e-4, "constant", 64)
    assert paper.steps_for(5000) == 10 * 79
    assert paper.steps_for(64) == 10
    assert {paper.rate(step, 790) for step in (0, 400, 789)} == {1e-4}


def test_a_cosine_begins_at_the_rate_halves_midway_and_ends_at_zero() -> None:
    fast = recipe("fast")
    assert fast.rate(0, 300) == 1e-3
    assert fast.rate(150, 300) == pytest.approx(5e-4)
    assert fast.rate(300, 300) == pytest.approx(0, abs=1e-18)
    rates = [fast.rate(step, 300) for step in range(301)]
    assert rates == sorted(rates, reverse=True)


def test_fast_and_best_are_as_specified() -> None:
    assert (RECIPES["fast"].steps, RECIPES["fast"].learning_rate, RECIPES["fast"].schedule) == (300, 1e-3, "cosine")
    assert (RECIPES["best"].steps, RECIPES["best"].learning_rate, RECIPES["best"].schedule) == (600, 3e-3, "cosine")


def test_steps_and_epochs_replace_each_other() -> None:
    assert recipe("fast", epochs=2).steps_for(65) == 4
    assert recipe("paper", steps=7).steps_for(5000) == 7


def test_changes_leave_the_named_recipe_alone() -> None:
    changed = recipe("fast", learning_rate=0.5)
    assert (changed.learning_rate, RECIPES["fast"].learning_rate) == (0.5, 1e-3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"steps": 5, "epochs": 5}, "give one, set the other to null"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"learning_rate": -1.0}, "above 0"),
        ({"schedule": "linear"}, "one of constant, cosine"),
        ({"validation_fraction": 1.0}, r"in \[0, 1\)"),
        ({"patience": 3, "validation_fraction": 0.0}, "needs held-out images"),
    ],
)
def test_impossible_values_are_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(T2WError, match=said):
        recipe("fast", **change)


def test_all_wrong_values_are_told_at_once() -> None:
    with pytest.raises(T2WError, match=r"batch_size is 0.*learning_rate is 0"):
        recipe("fast", batch_size=0, learning_rate=0)


def test_unknown_names_are_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(T2WError, match="did you mean 'fast'"):
        recipe("fats")
    with pytest.raises(T2WError, match="did you mean 'learning_rate'"):
        recipe("fast", learning_rte=1.0)
