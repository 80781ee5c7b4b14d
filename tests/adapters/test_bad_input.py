"""Every mistake is one sentence: what was found, what was expected, what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from adapter_world import World

from t2w.adapters import AdapterSpec, accuracy, recipe, train_base, train_tasks
from t2w.devices import enough_memory
from t2w.errors import T2WError

FEW = recipe("fast", steps=30, batch_size=8)


def train(world: World, tasks: list[list[int]], **change: object) -> None:
    values = {
        "spec": world.spec,
        "base": world.base,
        "features": world.train,
        "text": world.text,
        "recipe": FEW,
        **change,
    }
    train_tasks(tasks=tasks, task_ids=range(100, 100 + len(tasks)), **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ([3], r"task 101 has 1 class\(es\); expected 2 or more"),
        ([], r"task 101 has 0 class\(es\)"),
        ([3, 20], r"task 101 names class 20; expected 0\.\.19"),
        ([3, -1], r"task 101 names class -1"),
        ([3, 4, 3], "task 101 names class 3 twice"),
    ],
)
def test_wrong_classes_are_named_with_their_task(world: World, classes: list[int], said: str) -> None:
    with pytest.raises(T2WError, match=said):
        train(world, [[0, 1], classes])


def test_a_class_without_images_is_named(world: World) -> None:
    kept = world.train.labels != 7
    fewer = replace(world.train, features=world.train.features[kept], labels=world.train.labels[kept])
    with pytest.raises(T2WError, match=r"class 7 \('class 7'\) of task 100 has no images"):
        train(world, [[0, 7]], features=fewer)
    with pytest.raises(T2WError, match="class 7"):
        train_base(world.spec, fewer, world.text, classes=[0, 7])
    with pytest.raises(T2WError, match="class 7"):
        accuracy(world.spec, world.base[None], fewer, world.text, [[0, 7]])


def test_features_that_do_not_fit_the_adapter(world: World) -> None:
    spec = AdapterSpec(13, 5, 9, 10.0)
    said = "features of 12 numbers per image; expected 13 .*; set the adapter's in_features to 12"
    with pytest.raises(T2WError, match=said):
        train(world, [[0, 1]], spec=spec, base=torch.zeros(spec.size))
    with pytest.raises(T2WError, match=said):
        train_base(spec, world.train, world.text, classes=[0, 1])
    with pytest.raises(T2WError, match=said):
        accuracy(spec, torch.zeros(1, spec.size), world.test, world.text, [[0, 1]])


def test_texts_that_do_not_fit(world: World) -> None:
    with pytest.raises(T2WError, match=r"class texts of shape \(20, 8\)"):
        train(world, [[0, 1]], text=world.text[:, :8])
    with pytest.raises(T2WError, match="19 class texts for 20 classes"):
        train(world, [[0, 1]], text=world.text[1:])


def test_a_base_of_another_adapter(world: World) -> None:
    with pytest.raises(T2WError, match=f"expected {world.spec.size} for an adapter 12-5-9"):
        train(world, [[0, 1]], base=world.base[1:])
    with pytest.raises(T2WError, match="base of shape"):
        train(world, [[0, 1]], base=world.base.expand(3, -1))


def test_a_loss_that_is_not_finite_names_its_task_only(world: World) -> None:
    starts = world.base.repeat(3, 1)
    starts[1, 0] = float("inf")
    with pytest.raises(T2WError, match=r"loss of task 101 is not finite; lower the recipe's learning_rate"):
        train(world, [[0, 1], [2, 3], [4, 5]], base=starts)


def test_an_allocation_that_fails_is_one_sentence(world: World) -> None:
    with (
        pytest.raises(T2WError, match="mine needs more memory than there is on cpu; use less"),
        enough_memory("mine", torch.device("cpu"), fix="use less"),
    ):
        torch.empty(2**50)
    with pytest.raises(RuntimeError, match="another mistake"), enough_memory("mine", torch.device("cpu"), fix=""):
        raise RuntimeError("another mistake")
    spec = AdapterSpec(12, 10**9, 9, 10.0)
    with pytest.raises(T2WError, match=r"1,000,000,000 hidden units needs 3\d\d GiB of memory"):
        train_base(spec, world.train, world.text, classes=[0, 1])


def test_ids_and_types_are_checked(world: World) -> None:
    with pytest.raises(T2WError, match="1 task ids for 2 tasks"):
        train_tasks(world.spec, world.base, world.train, world.text, world.tasks[:2], [0])
    with pytest.raises(T2WError, match="float16"):
        train(world, [[0, 1]], dtype=torch.float16)
    with pytest.raises(T2WError, match="group_size is 0"):
        train(world, [[0, 1]], group_size=0)
