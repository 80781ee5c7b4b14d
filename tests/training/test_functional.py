"""The second phase: it learns what trained weights do not tell, takes over where the first ends, and resumes."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.testing import assert_close
from training_parts import Stopped, same, state_of, stop_before
from training_world import CONFIG, SETTINGS, SPEC, make_world

from t2w.adapters import task_logits
from t2w.errors import T2WError
from t2w.generator import condition_of
from t2w.training import Checkpoints, Functional, FunctionalSettings, TrainSettings, fit_generator

WORLD = make_world()


def test_it_learns_what_weights_alone_do_not_tell() -> None:
    second = FunctionalSettings(steps=90, batch_size=12, images=18, learning_rate=1e-2, warmup=5)
    settings = TrainSettings(steps=30, batch_size=20, warmup=5, ema_decay=0.9, validate_every=60, functional=second)
    unseen = condition_of(WORLD.text, WORLD.tasks)
    weights, first = WORLD.train(settings=replace(settings, functional=FunctionalSettings()))
    both, result = WORLD.train(settings=settings)
    before, after = (WORLD.cross_entropy(g.generate(unseen, steps=1)) for g in (weights, both))
    chance = sum(math.log(len(task)) for task in WORLD.tasks) / len(WORLD.tasks)
    assert before > 0.8 * chance
    assert after < 0.5 * before
    assert WORLD.cross_entropy(both.generate(unseen, steps=8)) < 0.6 * before  # every sampler finds a trained network
    accuracy = [point.accuracy or 0.0 for point in result.validation_losses]
    assert accuracy[-1] > 0.8 > accuracy[0]
    assert (first.steps, result.steps, result.first_phase_steps) == (30, 120, 30)


def test_phases_hand_over() -> None:
    generator, result = WORLD.train()
    alone, first = WORLD.train(functional=FunctionalSettings())
    assert [step for step, _ in result.train_losses] == [2, 4, 6, 8, 10, 12]
    assert [point.step for point in result.validation_losses] == [3, 6, 9, 12]
    assert result.train_losses[:3] == first.train_losses  # the first phase is the same whatever follows
    assert not same(generator.network.state_dict(), alone.network.state_dict())


def test_without_a_first_phase() -> None:
    _, result = WORLD.train(steps=0)
    assert (result.steps, result.first_phase_steps) == (6, 0)


@pytest.mark.parametrize("stop", [4, 6, 7, 10])
def test_stopped_in_either_phase_and_continued_equals_uninterrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    second = replace(SETTINGS.functional, feature_noise=0.3, label_smoothing=0.1, teacher=0.5)
    changes = {"functional": second, "text_noise": 0.3, "condition_dropout": 0.2}
    _, whole = WORLD.train(tmp_path / "whole", **changes)
    with monkeypatch.context() as patch:
        stop_before(stop, patch)
        with pytest.raises(Stopped):
            WORLD.train(tmp_path / "cut", **changes)
    _, continued = WORLD.train(tmp_path / "cut", **changes)
    assert same(state_of(tmp_path / "whole"), state_of(tmp_path / "cut"))
    assert same(whole.weights, continued.weights)
    assert whole.train_losses == continued.train_losses
    assert whole.validation_losses == continued.validation_losses


def test_the_best_by_accuracy_is_kept(tmp_path: Path) -> None:
    _, result = WORLD.train(tmp_path, select="validation_accuracy")
    best = max(result.validation_losses, key=lambda point: point.accuracy or 0.0)
    assert result.best_step == best.step
    assert Checkpoints(tmp_path).index()["value"] == best.accuracy


def test_feature_noise_and_smoothing_change_the_loss() -> None:
    plain = WORLD.train(steps=0)[1].train_losses
    for change in ({"feature_noise": 0.5}, {"label_smoothing": 0.2}, {"teacher": 0.5}, {"noisy_share": 1.0}):
        assert WORLD.train(steps=0, functional=replace(SETTINGS.functional, **change))[1].train_losses != plain


def test_the_loss_is_the_cross_entropy_of_the_task() -> None:
    """At the first step, before anything is learnt: that of the mean adapter, whatever the task."""
    settings = replace(SETTINGS, steps=0, log_every=1, functional=replace(SETTINGS.functional, noisy_share=1.0))
    batch = WORLD.random_tasks().draw(0, 0, batch_size=4, images=9)
    classes = condition_of(WORLD.text, batch.tasks)
    mean = WORLD.vectors.mean(dim=0).expand(4, -1)
    logits = task_logits(SPEC, mean, batch.x, classes.tokens, classes.mask)
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch.labels.flatten())
    assert_close(torch.tensor(WORLD.train(settings=settings)[1].train_losses[0][1]), expected, atol=2e-2, rtol=0)


def test_what_it_needs_is_asked_for() -> None:
    world: tuple[Any, ...] = (CONFIG, WORLD.normalizer, WORLD.vectors, WORLD.condition)
    with pytest.raises(T2WError, match="the functional phase has no features to work on"):
        fit_generator(*world, settings=SETTINGS)
    short = Functional(WORLD.random_tasks(), WORLD.text[:, :4])
    with pytest.raises(T2WError, match="class texts of 4 numbers; expected 5"):
        fit_generator(*world, settings=SETTINGS, functional=short)
