"""Which images a task sees at which step: its own random stream, whatever else is trained beside it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from t2w.adapters.batched.plan import TaskPlan
from t2w.adapters.holdout import ClassRows
from t2w.seeds import derive_seed

__all__ = ["batch_positions", "batches_of"]


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


def batches_of(plans: Sequence[TaskPlan], rows: ClassRows, *, batch_size: int, seed: int) -> tuple[Tensor, Tensor]:
    """All batches of a group of tasks, drawn before its first step.

    Args:
        plans: T tasks, the longest training first.

    Returns:
        Rows of the feature set (steps, T, B) int32, and labels (steps, T, 1, B) int64, positions among the task's
        classes; zeros after a task's last step.
    """
    index = torch.zeros(plans[0].steps, len(plans), batch_size, dtype=torch.int32)
    labels = torch.zeros(plans[0].steps, len(plans), 1, batch_size, dtype=torch.int64)
    for i, plan in enumerate(plans):
        own = torch.cat([rows.train[c] for c in plan.classes]).int()
        label = torch.arange(len(plan.classes)).repeat_interleave(
            torch.tensor([len(rows.train[c]) for c in plan.classes])
        )
        drawn = batch_positions(plan.images, steps=plan.steps, batch_size=batch_size, seed=seed, task_id=plan.task_id)
        index[: plan.steps, i] = own[drawn]
        labels[: plan.steps, i, 0] = label[drawn]
    return index, labels
