"""Fresh tasks: of seen classes and training images alone, the same for the same step."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from training_world import FRACTION, SEEN, make_world

from t2w.adapters.holdout import class_rows
from t2w.errors import T2WError

WORLD = make_world()


def rows_of(x: torch.Tensor) -> torch.Tensor:
    """Which images these features are: no two are alike."""
    same = (x.flatten(0, -2)[:, None] == WORLD.features.features[None]).all(dim=-1)
    assert bool((same.sum(dim=1) == 1).all())
    return same.int().argmax(dim=1).view(x.shape[:-1])


def test_seen_classes_training_images_and_right_labels() -> None:
    rows = class_rows(WORLD.features, validation_fraction=FRACTION)
    held_out, fresh = set(torch.cat(rows.held_out).tolist()), WORLD.random_tasks()
    drawn: set[int] = set()
    for step in range(40):
        batch = fresh.draw(0, step, batch_size=4, images=10)
        assert batch.x.shape == (4, 10, 6)
        images = rows_of(batch.x)
        for task, row, labels in zip(batch.tasks, images, batch.labels, strict=True):
            assert set(task) <= set(SEEN)
            assert len(set(task)) == len(task)
            assert WORLD.features.labels[row].tolist() == [task[i] for i in labels]
            counts = labels.bincount(minlength=len(task))
            assert int(counts.max() - counts.min()) <= 1
        drawn |= set(images.flatten().tolist())
    assert not drawn & held_out
    assert drawn == set(torch.cat([rows.train[c] for c in SEEN]).tolist())  # all of them, given time


def test_every_size_and_no_forbidden_set() -> None:
    pairs = [frozenset((a, b)) for a in SEEN for b in SEEN if a < b]
    allowed = set(pairs[::3])
    fresh = WORLD.random_tasks(sizes=(2, 3), forbidden=set(pairs) - allowed)
    tasks = [frozenset(task) for step in range(60) for task in fresh.draw(0, step, batch_size=8, images=2).tasks]
    assert {len(task) for task in tasks} == {2, 3}
    assert {task for task in tasks if len(task) == 2} == allowed


def test_a_step_depends_on_seed_and_step_alone() -> None:
    fresh = WORLD.random_tasks()
    one, two = fresh.draw(3, 7, batch_size=4, images=8), WORLD.random_tasks().draw(3, 7, batch_size=4, images=8)
    assert one.tasks == two.tasks
    assert torch.equal(one.x, two.x)
    assert torch.equal(one.labels, two.labels)
    for at in ((3, 8), (4, 7)):
        assert not torch.equal(fresh.draw(*at, batch_size=4, images=8).x, one.x)


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    WORLD.random_tasks().draw(0, 0, batch_size=4, images=8)
    assert torch.equal(torch.get_rng_state(), before)


def test_more_classes_than_images() -> None:
    batch = WORLD.random_tasks(sizes=(6, 6)).draw(0, 0, batch_size=2, images=4)
    assert all(len(set(labels.tolist())) == 4 for labels in batch.labels)


def test_more_classes_than_are_seen_are_refused() -> None:
    for sizes in ((2, 9), (0, 3), (4, 3)):
        with pytest.raises(T2WError, match=r"random tasks of .* classes; expected 1 to 8"):
            WORLD.random_tasks(sizes=sizes)


def test_a_seen_class_without_images_is_named() -> None:
    kept = WORLD.features.labels != 4
    features = replace(WORLD.features, features=WORLD.features.features[kept], labels=WORLD.features.labels[kept])
    with pytest.raises(T2WError, match="seen class 'class 4' has no training images"):
        replace(WORLD, features=features).random_tasks()


def test_where_every_set_is_forbidden_it_says_so() -> None:
    with pytest.raises(T2WError, match=r"no random task of 8 to 8 classes found.*more seen classes"):
        WORLD.random_tasks(sizes=(8, 8), forbidden={frozenset(SEEN)}).draw(0, 0, batch_size=1, images=8)
