"""What a task is, and what a set of tasks with named splits is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from t2w.errors import T2WError, nearest

__all__ = ["SPLITS", "Split", "Task", "TaskSet"]

Split = Literal["train", "validation", "unseen_combination", "unseen_class"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True)
class Task:
    """A classification task: some classes of a dataset, in a fixed order.

    Attributes:
        id: position in the set of tasks (0 ...); random draws about a task are seeded by it.
        classes: at least 2 class names, in the order of the classifier's outputs.
        texts: one text per class, in the order of `classes`.
        dataset: the dataset the classes belong to.
        split: what the task may be used for.

    Raises:
        T2WError: fewer than 2 classes, a class twice, an empty text, or not one text per class.
    """

    id: int
    classes: tuple[str, ...]
    texts: tuple[str, ...]
    dataset: str
    split: Split

    def __post_init__(self) -> None:
        where = f"task {self.id}"
        _check_names(self.classes, where)
        if len(self.texts) != len(self.classes):
            raise T2WError(
                f"{where} has {len(self.texts)} texts for {len(self.classes)} classes", expected="one text per class"
            )
        for name, text in zip(self.classes, self.texts, strict=True):
            if not text.strip():
                raise T2WError(f"{where} has an empty text for class {name!r}", expected="a name or a sentence")
        if self.split not in SPLITS:
            hint = nearest(str(self.split), SPLITS)
            raise T2WError(f"{where} has split {self.split!r}{hint}", expected=" or ".join(SPLITS))

    @property
    def key(self) -> frozenset[str]:
        """The task as a set of classes: equal for tasks that differ in order only."""
        return frozenset(self.classes)


@dataclass(frozen=True)
class TaskSet:
    """All tasks of an experiment, with what is needed to check that nothing unseen was seen.

    Attributes:
        dataset: name of the dataset.
        class_names: all classes, in the dataset's order.
        unseen_classes: the classes that no training task may hold; () where none are held out.
        text_mode: how a class name became a text (see `TextMode.to_dict`).
        seed: the seed everything here was drawn from.
        tasks: all tasks of all splits; `tasks[i].id == i`.

    Raises:
        T2WError: a class unknown or where it must not be, a wrong id, or the same set of classes in two splits.
    """

    dataset: str
    class_names: tuple[str, ...]
    unseen_classes: tuple[str, ...]
    text_mode: Mapping[str, Any]
    seed: int
    tasks: tuple[Task, ...]

    def __post_init__(self) -> None:
        _check_names(self.class_names, f"dataset {self.dataset!r}")
        known, unseen = set(self.class_names), set(self.unseen_classes)
        for name in self.unseen_classes:
            if name not in known:
                raise T2WError(f"unseen class {name!r} is not in {self.dataset!r}{nearest(name, known)}")
        split_of: dict[frozenset[str], Split] = {}
        for position, task in enumerate(self.tasks):
            if task.id != position:
                raise T2WError(f"the task at position {position} has id {task.id}", expected=f"id {position}")
            for name in task.classes:
                if name not in known:
                    hint = nearest(name, known)
                    raise T2WError(f"task {task.id} has class {name!r}, which is not in {self.dataset!r}{hint}")
                if (name in unseen) != (task.split == "unseen_class"):
                    kind, rule = ("unseen", "seen") if name in unseen else ("seen", "unseen")
                    found = f"task {task.id} ({task.split}) has the {kind} class {name!r}"
                    raise T2WError(found, expected=f"{rule} classes only")
            if split_of.setdefault(task.key, task.split) != task.split:
                raise T2WError(
                    f"task {task.id} ({task.split}) has the same classes as a {split_of[task.key]} task",
                    expected="splits that share no set of classes",
                )

    @property
    def seen_classes(self) -> tuple[str, ...]:
        """The classes training may use, in the dataset's order."""
        return tuple(name for name in self.class_names if name not in set(self.unseen_classes))

    def of(self, split: Split) -> tuple[Task, ...]:
        """The tasks of one split, by id."""
        return tuple(task for task in self.tasks if task.split == split)


def _check_names(names: Collection[str], where: str) -> None:
    if len(names) < 2:
        raise T2WError(f"{where} has {len(names)} class(es)", expected="at least 2")
    seen: set[str] = set()
    for name in names:
        if not name.strip():
            raise T2WError(f"{where} has an empty class name", expected="a name per class")
        if name in seen:
            raise T2WError(f"{where} has class {name!r} more than once", expected="each class once")
        seen.add(name)
