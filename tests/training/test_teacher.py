"""The linear classifier of all seen classes that the functional loss can take targets from."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close
from training_world import FRACTION, SEEN, SETTINGS, make_world

from t2w.adapters import linear_head
from t2w.adapters.holdout import class_rows
from t2w.adapters.linear_head import LinearHead
from t2w.errors import T2WError
from t2w.training.functional import fit_teacher, targets_of

WORLD = make_world()


def test_it_knows_the_classes_it_was_shown() -> None:
    teacher = fit_teacher(WORLD.random_tasks(), noise=0.1, seed=0)
    rows = class_rows(WORLD.features, validation_fraction=FRACTION).held_out
    x = WORLD.features.rows(torch.cat([rows[c] for c in SEEN]))
    labels = torch.tensor(SEEN).repeat_interleave(torch.tensor([len(rows[c]) for c in SEEN]))
    found = torch.tensor(SEEN)[teacher.logits(x)[:, SEEN].argmax(1)]
    assert (found == labels).float().mean() > 0.95


def test_targets_are_probabilities_over_each_tasks_own_classes() -> None:
    teacher = LinearHead(torch.eye(3), torch.zeros(3))
    x = torch.tensor([[[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]]])
    targets = targets_of(teacher, x, [[2, 0], [0, 1, 2]])
    e = torch.tensor([1.0, 2.0, 3.0]).exp()
    assert_close(targets[0, 0], torch.stack([e[2], e[0], torch.tensor(0.0)]) / (e[2] + e[0]))
    assert_close(targets[1, 0], e / e.sum())


def test_nothing_but_training_images_of_seen_classes_goes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_head, "_STEPS", 50)  # from the first step on, what goes in is seen in the weights
    rows = class_rows(WORLD.features, validation_fraction=FRACTION)
    hidden = torch.cat([*rows.held_out, rows.train[2], rows.train[6]])  # classes 2 and 6 are unseen
    features = WORLD.features.features.clone()
    features[hidden] += 5.0
    other = WORLD.random_tasks(features=replace(WORLD.features, features=features))
    one, two = (fit_teacher(fresh, noise=0.3, seed=1) for fresh in (WORLD.random_tasks(), other))
    assert torch.equal(one.weight, two.weight)
    assert torch.equal(one.bias, two.bias)
    assert not torch.equal(one.weight, fit_teacher(other, noise=0.3, seed=2).weight)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_the_share_is_a_share(share: float) -> None:
    with pytest.raises(T2WError, match=r"functional\.teacher is"):
        replace(SETTINGS.functional, teacher=share)
