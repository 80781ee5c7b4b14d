"""Drawing tasks: the reference's sampler, and a general one that never draws the same set of classes twice."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations
from math import comb

import numpy as np

from t2w.errors import T2WError

__all__ = ["count_tasks", "reference_tasks", "sample_tasks"]

_REFERENCE_COUNTS = range(8, 32)  # 8 to 31 classes
_TRIES = 50  # rejected draws in a row before the few remaining combinations are listed instead


def reference_tasks(class_names: Sequence[str], n: int = 12_000) -> list[list[str]]:
    """The class lists of the reference's tasks, draw for draw (seed 42, 8 to 31 classes).

    Args:
        class_names: all classes, in the reference's order; T2WError at fewer than 31.
        n: how many tasks; the first tasks are the same for every `n`.
    """
    if len(class_names) < _REFERENCE_COUNTS[-1]:
        raise T2WError(
            f"the reference's tasks need {_REFERENCE_COUNTS[-1]} classes, there are {len(class_names)}",
            fix="use the general sampler with a smaller range",
        )
    rng = np.random.RandomState(42)  # the stream of np.random.seed(42), without touching the global one
    tasks = []
    for _ in range(n):  # as its np.random.choice(..., replace=False) draws, without what that checks every time
        count = _REFERENCE_COUNTS[rng.permutation(len(_REFERENCE_COUNTS))[0]]
        tasks.append([class_names[i] for i in rng.permutation(len(class_names))[:count]])
    return tasks


def count_tasks(n_classes: int, min_classes: int, max_classes: int) -> int:
    """How many sets of `min_classes` to `max_classes` classes `n_classes` classes give."""
    return sum(comb(n_classes, k) for k in range(min_classes, max_classes + 1))


def sample_tasks(
    class_names: Sequence[str],
    n: int,
    *,
    min_classes: int = 8,
    max_classes: int = 31,
    seed: int = 0,
    exclude: Collection[frozenset[str]] = (),
    what: str = "tasks",
) -> list[tuple[str, ...]]:
    """Draw `n` tasks: a number of classes, uniform in the range, then that many classes in random order.

    No two tasks are the same set of classes. A number of classes whose sets are used up is no longer drawn. The first
    tasks do not depend on `n`.

    Args:
        class_names: the classes to draw from.
        min_classes, max_classes: of a task: at least 2, at most all, inclusive.
        seed: any integer >= 0.
        exclude: sets of classes that must not be drawn.
        what: what the tasks are for, in the error's sentence.

    Raises:
        T2WError: the range does not fit the classes, or there are fewer than `n` different tasks.
    """
    n_classes = len(class_names)
    if not 2 <= min_classes <= max_classes <= n_classes:
        raise T2WError(
            f"{what} of {min_classes} to {max_classes} classes asked for, with {n_classes} classes to draw from",
            expected=f"at most {n_classes}, at least 2, the smallest number first",
        )
    if n < 0:
        raise T2WError(f"{n} {what} asked for", expected="0 or more")
    position = {name: i for i, name in enumerate(class_names)}
    used: dict[int, set[frozenset[int]]] = {k: set() for k in range(min_classes, max_classes + 1)}
    for key in exclude:
        if len(key) in used and all(name in position for name in key):
            used[len(key)].add(frozenset(position[name] for name in key))
    total = count_tasks(n_classes, min_classes, max_classes)
    free = total - sum(map(len, used.values()))
    if n > free:
        taken = f" ({total} in all, {total - free} in other splits)" if free < total else ""
        raise T2WError(
            f"{n} {what} of {min_classes} to {max_classes} of {n_classes} classes asked for",
            expected=f"at most {free}, the number of different ones{taken}",
            fix="ask for fewer tasks or a wider range of classes",
        )
    rng = np.random.default_rng(seed)
    return [tuple(class_names[i] for i in drawn) for drawn in _draws(rng, n_classes, n, used)]


def _draws(
    rng: np.random.Generator, n_classes: int, n: int, used: dict[int, set[frozenset[int]]]
) -> Iterator[list[int]]:
    counts = [k for k in used if len(used[k]) < comb(n_classes, k)]
    for _ in range(n):
        count = counts[rng.integers(len(counts))]
        drawn = _new_combination(rng, n_classes, count, used[count])
        used[count].add(frozenset(drawn))
        if len(used[count]) == comb(n_classes, count):
            counts.remove(count)
        yield drawn


def _new_combination(rng: np.random.Generator, n_classes: int, count: int, used: set[frozenset[int]]) -> list[int]:
    for _ in range(_TRIES):
        drawn = rng.permutation(n_classes)[:count].tolist()
        if frozenset(drawn) not in used:
            return drawn
    # So many rejections mean that most combinations are used, hence that there are few enough to list.
    left = [c for c in combinations(range(n_classes), count) if frozenset(c) not in used]
    return rng.permutation(left[rng.integers(len(left))]).tolist()
