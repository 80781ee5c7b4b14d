"""Which tasks are trained together."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["TaskPlan", "plan_groups"]

_MULTIPLE = 8
"""Classes are padded to one less than a multiple of this: with the hidden + 1 units beside them (by default 17) sizes
are round. Only tasks of one padded width share a group: a task's arithmetic does not depend on its neighbours."""


@dataclass(frozen=True)
class TaskPlan:
    """What is known about a task before training.

    Attributes:
        position: in the caller's list of tasks.
        task_id: seeds its batches and names it in errors.
        classes: class numbers.
        images: training images of these classes.
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
