from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from t2w.errors import T2WError
from t2w.tasks import SPLITS, Task, TaskSet, choose_unseen_classes, make_task_set

NAMES = tuple(f"class_{i}" for i in range(50))


def task_set(**changes: Any) -> TaskSet:
    settings: dict[str, Any] = {
        "n_train": 60,
        "n_validation": 10,
        "n_test": 15,
        "n_unseen_class": 12,
        "n_unseen_classes": 10,
        "max_classes": 20,
    }
    return make_task_set("fifty", NAMES, **{**settings, **changes})


def test_numbers_and_ids() -> None:
    tasks = task_set()
    assert [len(tasks.of(split)) for split in SPLITS] == [60, 10, 15, 12]
    assert [task.id for task in tasks.tasks] == list(range(97))


def test_no_unseen_class_in_anything_seen() -> None:
    tasks = task_set()
    unseen = set(tasks.unseen_classes)
    assert len(unseen) == 10
    assert set(tasks.seen_classes) == set(NAMES) - unseen
    for task in tasks.tasks:
        assert set(task.classes) <= (unseen if task.split == "unseen_class" else set(tasks.seen_classes))


def test_no_set_of_classes_twice_even_where_there_are_hardly_enough() -> None:
    # 5 seen classes give 26 sets of 2 to 5 classes: all of them are needed.
    tasks = make_task_set("few", NAMES[:5], n_train=16, n_validation=4, n_test=6, min_classes=2, max_classes=5)
    assert len({task.key for task in tasks.tasks}) == 26
    with pytest.raises(T2WError, match=r"17 train tasks .* at most 16"):
        make_task_set("few", NAMES[:5], n_train=17, n_validation=4, n_test=6, min_classes=2, max_classes=5)


def test_a_split_does_not_depend_on_the_size_of_the_others() -> None:
    small, large = task_set(), task_set(n_train=200, n_unseen_class=30)
    for split in ("validation", "unseen_combination"):
        assert [t.classes for t in small.of(split)] == [t.classes for t in large.of(split)]
    for split in ("train", "unseen_class"):
        n = len(small.of(split))
        assert [t.classes for t in small.of(split)] == [t.classes for t in large.of(split)[:n]]


def test_split_seed_chooses_classes_and_seed_draws_tasks() -> None:
    a, b, c = task_set(), task_set(split_seed=1), task_set(seed=1)
    assert a.unseen_classes != b.unseen_classes
    assert a.unseen_classes == c.unseen_classes
    assert [t.classes for t in a.tasks] != [t.classes for t in c.tasks]
    assert set(choose_unseen_classes(NAMES, 5, seed=0)) < set(choose_unseen_classes(NAMES, 10, seed=0))


def test_unseen_class_tasks_stop_at_the_number_of_unseen_classes() -> None:
    assert max(len(task.classes) for task in task_set(n_unseen_class=40).of("unseen_class")) == 10


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_unseen_classes": 0}, "no class is held out"),
        ({"n_unseen_classes": 1}, "1 unseen class"),
        ({"n_unseen_classes": 49}, "expected 0, or 2 to 48"),
        ({"n_unseen_classes": 5}, "unseen_class tasks of 8 to 8 .* with 5 classes to draw from"),
        ({"n_unseen_classes": 8}, "12 unseen_class tasks .* at most 1"),
        ({"max_classes": 41}, "with 40 classes to draw from"),
        ({"n_train": -1}, "-1 train tasks"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, int], message: str) -> None:
    with pytest.raises(T2WError, match=message):
        task_set(**changes)


def test_task_set_checks_itself() -> None:
    good = task_set()
    seen, unseen = good.seen_classes, good.unseen_classes
    train = good.of("train")[0]
    texts = ("x", "y")
    for bad, message in [
        (Task(0, (seen[0], unseen[0]), texts, "fifty", "train"), "unseen class .* expected seen classes only"),
        (Task(0, (seen[0], unseen[0]), texts, "fifty", "unseen_class"), "seen class .* expected unseen classes only"),
        (Task(0, (seen[0], "class_x"), texts, "fifty", "train"), "'class_x', which is not in 'fifty' .did you mean"),
        (Task(7, seen[:2], texts, "fifty", "train"), "position 0 has id 7"),
    ]:
        with pytest.raises(T2WError, match=message):
            replace(good, tasks=(bad,))
    turned = replace(train, id=1, classes=train.classes[::-1], split="validation")
    with pytest.raises(T2WError, match=r"task 1 \(validation\) has the same classes as a train task"):
        replace(good, tasks=(train, turned))
    with pytest.raises(T2WError, match="more than once"):
        replace(good, class_names=(*NAMES, NAMES[0]))
    with pytest.raises(T2WError, match="unseen class 'nothing' is not in"):
        replace(good, unseen_classes=("nothing",))


@pytest.mark.parametrize(
    ("classes", "texts", "split", "message"),
    [
        (("a",), ("a",), "train", "has 1 class"),
        (("a", "b", "a"), ("1", "2", "3"), "train", "'a' more than once"),
        (("a", "b"), ("a", " "), "train", "empty text for class 'b'"),
        (("a", "b"), ("a",), "train", "1 texts for 2 classes"),
        (("a", "b"), ("a", "b"), "trian", "split 'trian' .did you mean 'train'"),
    ],
)
def test_task_checks_itself(classes: tuple[str, ...], texts: tuple[str, ...], split: Any, message: str) -> None:
    with pytest.raises(T2WError, match=message):
        Task(0, classes, texts, "letters", split)
