"""Held-out training images, and stopping by them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from adapter_world import World

from t2w.adapters import Recipe, TrainedAdapters, accuracy, recipe, train_base, train_tasks
from t2w.adapters.holdout import class_rows
from t2w.features import FeatureSet


def only(features: FeatureSet, rows: torch.Tensor) -> FeatureSet:
    return replace(features, features=features.features[rows], labels=features.labels[rows])


def test_rows_are_split_by_class_and_none_is_lost(world: World) -> None:
    rows = class_rows(world.train, validation_fraction=0.25)
    for c, (train, held) in enumerate(zip(rows.train, rows.held_out, strict=True)):
        assert len(held) == round(0.25 * (10 + c))
        both = torch.cat([train, held]).sort().values
        assert torch.equal(both, (world.train.labels == c).nonzero().flatten())


def test_one_image_of_a_class_always_stays_in_training(world: World) -> None:
    assert min(class_rows(world.train, validation_fraction=0.999).counts) == 1


def test_nothing_held_out_gives_no_validation_accuracy(world: World) -> None:
    how = recipe("fast", steps=2, batch_size=8, validation_fraction=0.0)
    done = train_tasks(world.spec, world.base, world.train, world.text, world.tasks[:2], [0, 1], recipe=how)
    assert done.validation_accuracy.isnan().all()


def test_validation_accuracy_is_measured_on_held_out_images(world: World) -> None:
    how = recipe("fast", steps=20, batch_size=8, learning_rate=1e-2, validation_fraction=0.3)
    done = train_tasks(world.spec, world.base, world.train, world.text, world.tasks, range(12), recipe=how)
    held = only(world.train, torch.cat(class_rows(world.train, validation_fraction=0.3).held_out))
    expected = accuracy(world.spec, done.vectors, held, world.text, world.tasks)
    torch.testing.assert_close(done.validation_accuracy, expected)


def test_held_out_images_are_never_trained_on(world: World) -> None:
    """Neither by tasks nor by the base: other features in their place change nothing."""
    held = torch.cat(class_rows(world.train, validation_fraction=0.3).held_out)
    spoiled = replace(world.train, features=world.train.features.index_fill(0, held, 1e3))
    how = recipe("fast", steps=20, batch_size=8, validation_fraction=0.3)
    results = [
        (
            train_tasks(world.spec, world.base, features, world.text, world.tasks[:3], [0, 1, 2], recipe=how).vectors,
            train_base(
                world.spec, features, world.text, classes=range(20), steps=5, batch_size=64, validation_fraction=0.3
            ).vector,
        )
        for features in (world.train, spoiled)
    ]
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])


def test_early_stopping_keeps_the_best_evaluation(world: World) -> None:
    how = recipe(
        "fast",
        steps=60,
        batch_size=8,
        learning_rate=0.3,
        schedule="constant",
        validation_fraction=0.3,
        evaluate_every=5,
    )

    def train(tasks: list[int], stop: Recipe) -> TrainedAdapters:
        # In float64: at this rate of learning a difference in the last bit of float32 grows within few steps.
        chosen = [world.tasks[i] for i in tasks]
        return train_tasks(
            world.spec, world.base, world.train, world.text, chosen, tasks, recipe=stop, dtype=torch.float64
        )

    stopped = train(list(range(12)), replace(how, patience=2))
    assert (stopped.steps < 60).any()
    curve = [train(list(range(12)), replace(how, steps=steps)) for steps in range(5, 61, 5)]
    for i in range(12):
        best, waited, seen = 0, 0, [float(point.validation_accuracy[i]) for point in curve]
        for at, found in enumerate(seen):
            if at == 0 or found > seen[best]:
                best, waited = at, 0
            else:
                waited += 1
            if waited == 2:
                break
        assert int(stopped.steps[i]) == 5 * (best + 1)
        assert float(stopped.validation_accuracy[i]) == pytest.approx(seen[best])
        torch.testing.assert_close(stopped.vectors[i], curve[best].vectors[i], rtol=1e-7, atol=1e-7)


def test_patience_without_end_trains_as_without(world: World) -> None:
    how = recipe("fast", steps=7, batch_size=8, validation_fraction=0.3, patience=100, evaluate_every=100)
    patient, plain = (
        train_tasks(world.spec, world.base, world.train, world.text, world.tasks[:4], range(4), recipe=r)
        for r in (how, replace(how, patience=None))
    )
    assert torch.equal(patient.vectors, plain.vectors)
    assert torch.equal(patient.losses, plain.losses)
