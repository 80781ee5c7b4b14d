"""Before training: which tasks are trained together, and which images each task sees at which step."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from t2w.adapters.holdout import ClassRows, rows_of_task
from t2w.adapters.recipes import Recipe
from t2w.seeds import derive_seed

__all__ = ["TaskPlan", "batch_positions", "draw_batches", "plan_groups", "plan_task"]

_MULTIPLE = 8
"""Classes are padded to one less than a multiple of this: with the hidden + 1 units beside them (by default 17) sizes
are round. Only tasks of one padded width share a group: a task's arithmetic does not depend on its neighbours."""


@dataclass(frozen=True)
class TaskPlan:
    """What is known about a task before training.

    Attributes:
        position: in the caller's list of tasks.
        task_id: seeds its batches and names it in errors.
        images: training images of its classes.
        steps: optimiser steps.
    """

    position: int
    task_id: int
    classes: tuple[int, ...]
    images: int
    steps: int

    @property
    def width(self) -> int:
        """Number of classes, padded."""
        return -(-(len(self.classes) + 1) // _MULTIPLE) * _MULTIPLE - 1


def plan_task(position: int, task_id: int, classes: Sequence[int], rows: ClassRows, recipe: Recipe) -> TaskPlan:
    images = sum(len(rows.train[c]) for c in classes)
    return TaskPlan(position, task_id, tuple(classes), images, recipe.steps_for(images))


def plan_groups(plans: Sequence[TaskPlan], group_size: int) -> list[list[TaskPlan]]:
    """Groups of at most `group_size` tasks of one width, as even as can be; within a group the longest training first.

    The most work comes first, so that the last group to finish is a short one.
    """
    by_width: dict[int, list[TaskPlan]] = defaultdict(list)
    for plan in plans:
        by_width[plan.width].append(plan)
    groups: list[list[TaskPlan]] = []
    for width in sorted(by_width, reverse=True):
        ordered = sorted(by_width[width], key=lambda plan: (-plan.steps, plan.position))
        count = -(-len(ordered) // group_size)
        edges = [len(ordered) * i // count for i in range(count + 1)]
        groups += [ordered[first:last] for first, last in itertools.pairwise(edges)]
    return sorted(groups, key=lambda group: -len(group) * group[0].steps)


def batch_positions(images: int, *, steps: int, batch_size: int, seed: int, task_id: int) -> Tensor:
    """A stream of shuffled passes over a task's training images, cut into full batches.

    Args:
        images: training images of the task, counted class by class in the task's order, rows ascending within a class.
        seed, task_id: the draw depends on `derive_seed(seed, "adapter", task_id)` and on nothing else.

    Returns:
        (steps, batch_size) int64, positions in 0 .. images - 1; every `images` in a row are a permutation.
    """
    generator = torch.Generator().manual_seed(derive_seed(seed, "adapter", task_id))
    wanted = steps * batch_size
    passes = -(-wanted // images)
    stream = torch.cat([torch.randperm(images, generator=generator) for _ in range(passes)])
    return stream[:wanted].view(steps, batch_size)


def draw_batches(plans: Sequence[TaskPlan], rows: ClassRows, *, batch_size: int, seed: int) -> tuple[Tensor, Tensor]:
    """All batches of a group of tasks, drawn before its first step.

    Args:
        plans: T tasks, the longest training first.

    Returns:
        Rows of the feature set (steps, T, B) int32, and labels (steps, T, 1, B) int64; zeros after a task's last step.
    """
    index = torch.zeros(plans[0].steps, len(plans), batch_size, dtype=torch.int32)
    labels = torch.zeros(plans[0].steps, len(plans), 1, batch_size, dtype=torch.int64)
    for i, plan in enumerate(plans):
        own, own_labels = rows_of_task(rows.train, plan.classes)
        drawn = batch_positions(plan.images, steps=plan.steps, batch_size=batch_size, seed=seed, task_id=plan.task_id)
        index[: plan.steps, i] = own[drawn].int()
        labels[: plan.steps, i, 0] = own_labels[drawn]
    return index, labels
