"""Top-1 accuracy against the obvious loop."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from adapter_world import World

from t2w.adapters import Adapter, accuracy
from t2w.errors import T2WError


def test_equals_an_image_at_a_time(world: World) -> None:
    generator = torch.Generator().manual_seed(1)
    vectors = torch.randn(len(world.tasks), world.spec.size, generator=generator)
    found = accuracy(world.spec, vectors, world.train, world.text, world.tasks)
    for vector, classes, value in zip(vectors, world.tasks, found, strict=True):
        adapter, right, count = Adapter.from_vector(world.spec, vector), 0, 0
        for x, label in zip(world.train.features, world.train.labels.tolist(), strict=True):
            if label in classes:
                best = int(adapter.logits(x[None], world.text[classes]).argmax())
                right, count = right + (classes[best] == label), count + 1
        assert float(value) == pytest.approx(right / count)


def test_the_right_answer_scores_one_and_classes_of_other_tasks_do_not_count(world: World) -> None:
    # linear2's bias alone decides: every image gets class 3's text, among the task's classes only.
    vector = torch.zeros(world.spec.size)
    vector[-world.spec.out_features :] = world.text[3]
    tasks = [[3, 5], [5, 3, 7]]
    found = accuracy(world.spec, vector.expand(2, -1), world.test, world.text, tasks)
    assert found.tolist() == pytest.approx([1 / 2, 1 / 3])


def test_int8_features_are_measured_as_their_real_values(world: World) -> None:
    scale = world.test.features.abs().amax(0) / 127
    packed = replace(world.test, features=(world.test.features / scale).round().to(torch.int8), scale=scale)
    plain = replace(packed, features=packed.dense(), scale=None)
    vectors = torch.randn(12, world.spec.size, generator=torch.Generator().manual_seed(2))
    one, other = (accuracy(world.spec, vectors, f, world.text, world.tasks) for f in (packed, plain))
    assert torch.equal(one, other)


def test_vectors_and_tasks_must_pair(world: World) -> None:
    with pytest.raises(T2WError, match="one row per task"):
        accuracy(world.spec, world.base.expand(2, -1), world.test, world.text, world.tasks)
    with pytest.raises(T2WError, match="one row per task"):
        accuracy(world.spec, world.base, world.test, world.text, world.tasks[:1])


def test_no_tasks_give_no_accuracies(world: World) -> None:
    assert accuracy(world.spec, torch.zeros(0, world.spec.size), world.test, world.text, []).shape == (0,)
