"""From the first step of a group to its results: who ends when, and with which weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event

import torch
from torch import Tensor

from t2w.adapters.accuracy import class_scores
from t2w.adapters.batched.group import Group, Problem
from t2w.adapters.batched.plan import TaskPlan

__all__ = ["LOSS_STEPS", "GroupResult", "run_group"]

LOSS_STEPS = 10
"""A task's loss is the mean over this many last steps: one batch alone says little."""


@dataclass(frozen=True, eq=False)
class GroupResult:
    """What became of the tasks of a group, in its order, on the CPU.

    Attributes:
        vectors: (T, P). losses: (T,). steps: (T,) int64. validation_accuracy: (T,), NaN where nothing is held out.
    """

    vectors: Tensor
    losses: Tensor
    steps: Tensor
    validation_accuracy: Tensor


@torch.no_grad()  # of the calling thread: autograd's mode is one per thread
def run_group(problem: Problem, plans: Sequence[TaskPlan], start: Tensor, stop: Event | None = None) -> GroupResult:
    """Train some tasks of one padded width from `start` (T, P).

    Args:
        plans: sorted by steps, the most first.
        stop: when set by another thread, give up at the next step.
    """
    recipe, group = problem.recipe, Group(problem, plans, start)
    result = GroupResult(
        vectors=torch.zeros(start.shape, dtype=start.dtype),
        losses=torch.full((len(plans),), float("nan")),
        steps=torch.zeros(len(plans), dtype=torch.int64),
        validation_accuracy=torch.full((len(plans),), float("nan")),
    )
    place = {plan.position: i for i, plan in enumerate(plans)}
    waited = dict.fromkeys(place, 0)
    recent: dict[int, Tensor] = {}
    step = 0
    while group.plans and not (stop is not None and stop.is_set()):
        look = group.plans[-1].steps  # the next moment at which anything is decided
        if recipe.patience is not None:
            look = min(look, (step // recipe.evaluate_every + 1) * recipe.evaluate_every)
        while step < look and not (stop is not None and stop.is_set()):
            group.train(step, losses=look - step <= LOSS_STEPS)
            step += 1
            if look - step < LOSS_STEPS:
                recent[step] = group.losses.clone()
        losses = (
            torch.stack([recent[s] for s in sorted(recent) if s > step - LOSS_STEPS]).mean(0).cpu() if recent else None
        )
        vectors = group.weights.vectors()
        staying = []
        for i, plan in enumerate(group.plans):
            ends = plan.steps == step
            if ends or recipe.patience is not None:
                at, found = place[plan.position], _validation_accuracy(problem, plan, vectors[i])
                if recipe.patience is None or not found <= float(result.validation_accuracy[at]):
                    result.vectors[at], result.steps[at], result.validation_accuracy[at] = vectors[i].cpu(), step, found
                    result.losses[at] = float("nan") if losses is None else losses[i]
                    waited[plan.position] = 0
                else:
                    waited[plan.position] += 1
            if not ends and (recipe.patience is None or waited[plan.position] < recipe.patience):
                staying.append(i)
        if len(staying) < len(group.plans):
            group.keep(staying)
            recent = {s: lately[staying] for s, lately in recent.items()}
    return result


def _validation_accuracy(problem: Problem, plan: TaskPlan, vector: Tensor) -> float:
    """Top-1 accuracy on the held-out images of the task's classes, NaN without any."""
    held = [problem.rows.held_out[c] for c in plan.classes]
    counts = torch.tensor([len(rows) for rows in held])
    if int(counts.sum()) == 0:
        return float("nan")
    x = problem.table.rows(torch.cat(held).to(vector.device)).to(vector.dtype)
    labels = torch.arange(len(held)).repeat_interleave(counts).to(vector.device)
    scores = class_scores(problem.spec, vector, x, problem.text[list(plan.classes)])
    return float((scores.argmax(-1) == labels).float().mean())
