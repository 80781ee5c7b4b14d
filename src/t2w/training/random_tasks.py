"""Random tasks for the functional loss: new sets of seen classes at every step, with some of their training images."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from t2w.adapters.holdout import class_rows
from t2w.errors import T2WError
from t2w.generator import Condition
from t2w.seeds import derive_seed

if TYPE_CHECKING:
    from t2w.features import FeatureSet

__all__ = ["RandomTasks", "TaskBatch"]

_TRIES = 1000  # per task: so many in vain, and nearly every set of classes is forbidden


@dataclass(frozen=True, eq=False)
class TaskBatch:
    """Some tasks and images of theirs."""

    tasks: list[list[int]]  # per task, positions in the class texts; [] where the classes are not the dataset's
    x: Tensor  # (B, K, in_features) image features
    labels: Tensor  # (B, K) int64, positions among the task's classes
    condition: Condition | None = None  # None where the objective makes it from `tasks`


@dataclass(frozen=True, eq=False)
class RandomTasks:
    """Where the functional loss takes its tasks and images from. Raises T2WError where they do not suffice."""

    features: FeatureSet  # of training images
    classes: Sequence[int]  # that may be drawn, the seen ones, as positions in `features.class_names`
    sizes: tuple[int, int]  # fewest and most classes of a task
    validation_fraction: float = 0.0  # of each class's images, held out and never drawn
    forbidden: Collection[frozenset[int]] = ()  # sets of classes never drawn: the validation and test tasks

    def __post_init__(self) -> None:
        low, high = self.sizes
        if not 1 <= low <= high <= len(self.classes):
            raise T2WError(
                f"random tasks of {low} to {high} classes",
                expected=f"1 to {len(self.classes)}, as there are seen classes",
            )
        for position in self.classes:
            if not len(self._rows[position]):
                raise T2WError(f"seen class {self.features.class_names[position]!r} has no training images")

    @cached_property
    def _rows(self) -> tuple[Tensor, ...]:
        return class_rows(self.features, validation_fraction=self.validation_fraction).train

    @cached_property
    def spread(self) -> float:
        """Standard deviation of the seen classes' features, over images and features."""
        rows = torch.cat([self._rows[position] for position in self.classes])
        return float(self.features.rows(rows[:: max(len(rows) // 4096, 1)]).std())

    @cached_property
    def _padded(self) -> tuple[Tensor, Tensor]:
        """Rows per class, (C, most) padded with zeros, and how many there are."""
        return pad_sequence(list(self._rows), batch_first=True), torch.tensor([len(rows) for rows in self._rows])

    def draw(self, seed: int, step: int, *, batch_size: int, images: int) -> TaskBatch:
        """The tasks of a step, a function of (seed, step) alone; images are spread evenly over a task's classes.

        Raises:
            T2WError: every set of classes that was tried is forbidden.
        """
        rng = torch.Generator().manual_seed(derive_seed(seed, "fresh tasks", step))
        tasks = [self._task(rng) for _ in range(batch_size)]
        padded, counts = self._padded
        index, labels = [], []
        for task in tasks:
            shift = int(torch.randint(len(task), (), generator=rng))  # who gets the images that do not divide evenly
            label = (torch.arange(images) + shift) % len(task)
            own = torch.tensor(task)[label]
            pick = (torch.rand(images, generator=rng, dtype=torch.float64) * counts[own]).long()
            index.append(padded[own, pick])
            labels.append(label)
        x = self.features.rows(torch.cat(index)).unflatten(0, (batch_size, images))
        return TaskBatch(tasks, x, torch.stack(labels))

    def _task(self, rng: torch.Generator) -> list[int]:
        low, high = self.sizes
        for _ in range(_TRIES):
            size = int(torch.randint(low, high + 1, (), generator=rng))
            task = [self.classes[i] for i in torch.randperm(len(self.classes), generator=rng)[:size].tolist()]
            if frozenset(task) not in self.forbidden:
                return task
        raise T2WError(
            f"no random task of {low} to {high} classes found in {_TRIES} tries",
            expected="some that are neither validation nor test tasks",
            fix="take more seen classes, or larger tasks",
        )
