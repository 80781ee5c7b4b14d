from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest

from t2w.errors import T2WError
from t2w.tasks import count_tasks, sample_tasks

NAMES = tuple("abcdefghij")


def test_tasks_are_in_range_and_never_the_same_set_twice() -> None:
    tasks = sample_tasks(NAMES, 300, min_classes=3, max_classes=6, seed=1)
    assert {len(task) for task in tasks} == {3, 4, 5, 6}
    assert len({frozenset(task) for task in tasks}) == 300
    assert all(len(set(task)) == len(task) for task in tasks)


def test_all_there_are_and_not_one_more() -> None:
    every = {frozenset(c) for k in (2, 3) for c in combinations(NAMES[:6], k)}
    assert count_tasks(6, 2, 3) == len(every) == 35
    drawn = sample_tasks(NAMES[:6], 35, min_classes=2, max_classes=3, seed=0)
    assert {frozenset(task) for task in drawn} == every
    with pytest.raises(T2WError, match="36 tasks of 2 to 3 of 6 classes asked for; expected at most 35"):
        sample_tasks(NAMES[:6], 36, min_classes=2, max_classes=3, seed=0)


def test_excluded_sets_are_not_drawn_and_are_counted() -> None:
    taken = [frozenset("ab"), frozenset("bc"), frozenset("xyz")]
    drawn = sample_tasks(NAMES[:3], 1, min_classes=2, max_classes=2, seed=0, exclude=taken)
    assert frozenset(drawn[0]) == frozenset("ac")
    with pytest.raises(T2WError, match=r"at most 1, the number of different ones \(3 in all, 2 in other splits\)"):
        sample_tasks(NAMES[:3], 2, min_classes=2, max_classes=2, seed=0, exclude=taken)


def test_first_tasks_do_not_depend_on_how_many_follow() -> None:
    short = sample_tasks(NAMES, 10, min_classes=2, max_classes=10, seed=3)
    long = sample_tasks(NAMES, 900, min_classes=2, max_classes=10, seed=3)
    assert long[:10] == short
    assert sample_tasks(NAMES, 10, min_classes=2, max_classes=10, seed=4) != short


def test_every_class_and_every_position_is_equally_likely() -> None:
    names = [str(i) for i in range(40)]
    tasks = sample_tasks(names, 4000, min_classes=8, max_classes=31, seed=0)
    first = Counter(task[0] for task in tasks)  # expected 100 each, standard deviation 10
    assert all(55 < first[name] < 145 for name in names)
    sizes = Counter(map(len, tasks))  # expected 167 each, standard deviation 13
    assert all(110 < sizes[k] < 225 for k in range(8, 32))


@pytest.mark.parametrize(
    ("low", "high", "message"), [(1, 3, "at least 2"), (4, 3, "smallest"), (2, 11, "expected at most 10")]
)
def test_range_that_cannot_be(low: int, high: int, message: str) -> None:
    with pytest.raises(T2WError, match=message):
        sample_tasks(NAMES, 1, min_classes=low, max_classes=high)
