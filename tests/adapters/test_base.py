"""The base adapter."""

from __future__ import annotations

import pytest
import torch
from adapter_world import World

from t2w.adapters import AdapterSpec, accuracy, train_base
from t2w.errors import T2WError


def test_learns_to_tell_the_seen_classes_apart(world: World) -> None:
    seen = list(range(15))
    done = train_base(world.spec, world.train, world.text, classes=seen, steps=400, batch_size=64, learning_rate=1e-2)
    assert done.losses.shape == (400,)
    assert done.losses[-20:].mean() < 0.6 * done.losses[:20].mean()
    assert accuracy(world.spec, done.vector[None], world.test, world.text, [seen])[0] > 3 / 15


def test_seed_decides_and_classes_outside_are_not_looked_at(world: World) -> None:
    def train(seed: int, text: torch.Tensor = world.text) -> torch.Tensor:
        return train_base(world.spec, world.train, text, classes=[1, 4, 6], steps=5, batch_size=8, seed=seed).vector

    assert torch.equal(train(0), train(0))
    assert not torch.equal(train(0), train(1))
    elsewhere = world.text.clone()
    elsewhere[[0, 2, 3]] += 1
    assert torch.equal(train(0), train(0, elsewhere))


def test_any_width_can_be_trained(world: World) -> None:
    wide = AdapterSpec(12, 64, 9, 10.0)
    done = train_base(wide, world.train, world.text, classes=range(20), steps=3, batch_size=8)
    assert done.vector.shape == (wide.size,)


def test_a_loss_that_is_not_finite_is_told(world: World) -> None:
    with pytest.raises(T2WError, match="lower the learning rate"):
        train_base(world.spec, world.train, world.text, classes=range(20), steps=30, batch_size=8, learning_rate=1e38)
