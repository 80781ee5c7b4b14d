"""Tasks for training, for choosing and for testing, kept apart by construction and checked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from t2w.errors import T2WError
from t2w.seeds import derive_seed
from t2w.tasks.sampling import sample_tasks
from t2w.tasks.task import SPLITS, Split, Task, TaskSet
from t2w.tasks.texts import TextMode

__all__ = ["choose_unseen_classes", "make_task_set"]


def choose_unseen_classes(class_names: Sequence[str], n: int, *, seed: int) -> tuple[str, ...]:
    """`n` classes chosen at random to be held out, in the dataset's order.

    With one seed, the choice for a smaller `n` is a part of the choice for a larger one. Raises T2WError where fewer
    than 2 classes would be left, or n is 1: one class makes no task.
    """
    if n < 0 or n == 1 or n > len(class_names) - 2:
        raise T2WError(
            f"{n} unseen class(es) of {len(class_names)} asked for",
            expected=f"0, or 2 to {len(class_names) - 2} (a task needs 2 classes)",
        )
    rng = np.random.default_rng(derive_seed(seed, "unseen classes"))
    return tuple(class_names[i] for i in sorted(rng.permutation(len(class_names))[:n].tolist()))


def make_task_set(
    dataset: str,
    class_names: Sequence[str],
    *,
    n_train: int,
    n_validation: int,
    n_test: int,
    n_unseen_class: int = 0,
    n_unseen_classes: int = 0,
    min_classes: int = 8,
    max_classes: int = 31,
    seed: int = 0,
    split_seed: int = 0,
    text_mode: TextMode | None = None,
) -> TaskSet:
    """Draw the tasks of every split.

    Train, validation and unseen-combination tasks hold seen classes only and share no set of classes; unseen-class
    tasks hold unseen classes only. Each split has a seed of its own and the test tasks are drawn first, so asking for
    more training tasks changes neither the test tasks nor the first training tasks.

    Args:
        dataset, class_names: the dataset's name, and its classes in its order.
        n_train, n_validation: numbers of tasks for training, and for choosing hyper-parameters.
        n_test, n_unseen_class: numbers of test tasks of seen classes (unseen combinations), and of unseen classes.
        n_unseen_classes: how many classes are held out.
        min_classes, max_classes: of a task; unseen-class tasks stop at `n_unseen_classes` where that is smaller.
        seed: draws the tasks.
        split_seed: chooses the unseen classes.
        text_mode: how names become texts; None for "a photo of a <name>".

    Raises:
        T2WError: a range or a number of tasks the classes cannot give.
    """
    names, mode = tuple(class_names), text_mode or TextMode()
    unseen = choose_unseen_classes(names, n_unseen_classes, seed=split_seed)
    if n_unseen_class and not unseen:
        raise T2WError(
            f"{n_unseen_class} unseen-class tasks asked for, but no class is held out",
            fix="hold out 2 or more classes, or ask for no such task",
        )
    seen = [name for name in names if name not in set(unseen)]
    drawn: dict[Split, list[tuple[str, ...]]] = {}

    def draw(split: Split, n: int, classes: Sequence[str], most: int) -> None:
        taken = {frozenset(task) for tasks in drawn.values() for task in tasks}
        drawn[split] = sample_tasks(
            classes, n, min_classes=min_classes, max_classes=most, seed=derive_seed(seed, "tasks", split),
            exclude=taken, what=f"{split} tasks",
        )  # fmt: skip

    draw("unseen_combination", n_test, seen, max_classes)
    draw("validation", n_validation, seen, max_classes)
    draw("train", n_train, seen, max_classes)
    if n_unseen_class:
        draw("unseen_class", n_unseen_class, unseen, min(max_classes, max(min_classes, len(unseen))))
    text_of = dict(zip(names, mode.texts(names), strict=True))
    by_split = [(split, classes) for split in SPLITS for classes in drawn.get(split, [])]
    tasks = tuple(
        Task(i, classes, tuple(text_of[name] for name in classes), dataset, split)
        for i, (split, classes) in enumerate(by_split)
    )
    return TaskSet(dataset, names, unseen, mode.to_dict(), seed, tasks)
