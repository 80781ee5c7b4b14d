"""The reference's tasks, draw for draw."""

from __future__ import annotations

import numpy as np
import pytest

from t2w.datasets import class_list
from t2w.errors import T2WError
from t2w.tasks import reference_tasks


@pytest.mark.parametrize(
    ("name", "mean_classes"), [("cifar100", 19.59), ("caltech256", 19.43), ("tiny_imagenet", 19.49)]
)
def test_twelve_thousand_tasks_have_the_published_mean(name: str, mean_classes: float) -> None:
    tasks = reference_tasks(class_list(name))
    sizes = [len(task) for task in tasks]
    assert len(tasks) == 12_000
    assert (min(sizes), max(sizes)) == (8, 31)
    assert round(sum(sizes) / len(sizes), 2) == mean_classes
    assert all(len(set(task)) == len(task) for task in tasks)


def test_first_task_of_cifar100() -> None:
    assert reference_tasks(class_list("cifar100"), 1)[0][:3] == ["otter", "lamp", "cattle"]


def test_equal_to_the_global_stream_as_the_reference_draws_it() -> None:
    names, saved = list(class_list("cifar100")), np.random.get_state()
    try:
        np.random.seed(42)
        drawn = []
        for _ in range(300):
            count = np.random.choice(list(range(8, 32)), replace=False)
            drawn.append(np.random.choice(names, count, replace=False).tolist())
    finally:
        np.random.set_state(saved)
    assert reference_tasks(names, 300) == drawn


def test_global_stream_is_left_alone() -> None:
    before = np.random.get_state()[1].copy()
    reference_tasks(class_list("cifar100"), 5)
    assert np.array_equal(before, np.random.get_state()[1])


def test_too_few_classes() -> None:
    with pytest.raises(T2WError, match="need 31 classes, there are 10"):
        reference_tasks([str(i) for i in range(10)])
