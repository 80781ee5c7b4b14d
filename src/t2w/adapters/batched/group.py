"""Some tasks in training, as one: their weights, their batches, and which of them are still at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from t2w.adapters.batched.adam import adam_
from t2w.adapters.batched.batches import batches_of
from t2w.adapters.batched.graph import Repeated
from t2w.adapters.batched.memory import Memory
from t2w.adapters.batched.plan import TaskPlan
from t2w.adapters.batched.step import PADDING, Step
from t2w.adapters.batched.table import Table
from t2w.adapters.batched.weights import Weights
from t2w.adapters.holdout import ClassRows
from t2w.adapters.recipes import Recipe
from t2w.adapters.spec import AdapterSpec

__all__ = ["Group", "Problem"]


@dataclass(frozen=True, eq=False)
class Problem:
    """What all groups share.

    Attributes:
        table: training images.
        text: (C, out) unit class texts, in the dtype of the weights and on the device.
    """

    spec: AdapterSpec
    recipe: Recipe
    rows: ClassRows
    table: Table
    text: Tensor
    seed: int


class Group:
    """Tasks of one padded width, trained in step from the weight vectors `start` (T, P), on its device.

    Attributes:
        plans: the tasks still in training, the longest training first.
        weights: theirs, in the same order.
        losses: (T,) mean cross-entropy of the last batches (before the update), written where `train` was told to.
    """

    def __init__(self, problem: Problem, plans: Sequence[TaskPlan], start: Tensor) -> None:
        self.problem, self.plans = problem, list(plans)
        self.weights = Weights.from_vectors(problem.spec, start)
        self._m, self._v = (self.weights.map(torch.zeros_like) for _ in range(2))
        index, labels = batches_of(plans, problem.rows, batch_size=problem.recipe.batch_size, seed=problem.seed)
        self._index, self._labels = index.to(start.device), labels.to(start.device)
        self._set_up()

    def _set_up(self) -> None:
        """Working memory for the tasks that are left."""
        problem, text = self.problem, self.problem.text
        memory = Memory(text.device)
        self.weights, self._m, self._v = (part.map(memory.copy) for part in (self.weights, self._m, self._v))
        self._g = self.weights.map(memory.copy)
        tasks, width = len(self.plans), self.plans[0].width
        texts = text.new_zeros(tasks, width, problem.spec.out_features)
        padding = text.new_full((tasks, width, 1), PADDING)
        for i, plan in enumerate(self.plans):
            texts[i, : len(plan.classes)] = text[list(plan.classes)]
            padding[i, : len(plan.classes)] = 0.0
        self._step = Step(
            problem.table,
            texts,
            padding,
            hidden=problem.spec.hidden,
            batch=problem.recipe.batch_size,
            scale=problem.spec.logit_scale,
            memory=memory,
        )
        self.losses = text.new_zeros(tasks)
        self._count = torch.zeros((), device=text.device)
        # Tasks of one number of steps have one learning rate: stretches of the group that Adam takes in one call.
        self._stretches: list[tuple[int, int, int]] = []
        for steps, stretch in groupby(plan.steps for plan in self.plans):
            first = self._stretches[-1][1] if self._stretches else 0
            self._stretches.append((first, first + len(list(stretch)), steps))
        if problem.recipe.schedule == "constant":
            self._stretches = [(0, tasks, self.plans[0].steps)]
        self._rates = [text.new_zeros(()) for _ in self._stretches]
        self._adam = [
            [[tensor[first:last] for tensor in part.tensors] for part in (self.weights, self._g, self._m, self._v)]
            for first, last, _ in self._stretches
        ]
        self._batch = (self._index[0].flatten().clone(), self._labels[0].clone())
        self._want_losses = False
        self._run = Repeated(self._once, text.device)

    def train(self, step: int, *, losses: bool) -> None:
        """One step of every task, the `step`-th from 0; `losses` False saves the time of writing `self.losses`."""
        device = self._count.device
        index, labels = self._index[step].flatten(), self._labels[step]
        if device.type == "cpu":
            self._batch = (index, labels)
        else:  # a graph reads its inputs from where they were at capture
            self._batch[0].copy_(index)
            self._batch[1].copy_(labels)
        self._want_losses = losses or device.type == "cuda"
        self._count.fill_(step + 1)
        for rate, (_, _, steps) in zip(self._rates, self._stretches, strict=True):
            rate.fill_(self.problem.recipe.rate(step, steps))
        self._run()

    def _once(self) -> None:
        self._step.gradient(self.weights, self._g, *self._batch, self.losses if self._want_losses else None)
        for rate, (w, g, m, v) in zip(self._rates, self._adam, strict=True):
            adam_(w, g, m, v, self._count, rate)

    def keep(self, places: Sequence[int]) -> None:
        """Go on with some of the tasks only (places in `plans`, ascending)."""
        kept = torch.tensor(places, dtype=torch.int64, device=self._count.device)
        self.plans = [self.plans[i] for i in places]
        if not self.plans:
            return
        self.weights, self._m, self._v = (s.map(lambda t: t[kept]) for s in (self.weights, self._m, self._v))
        self._index, self._labels = self._index[:, kept], self._labels[:, kept]
        self._set_up()
