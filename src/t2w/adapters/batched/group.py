"""A group of tasks in training: their weights and batches, who ends when, and with which weights."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from threading import Event

import torch
from torch import Tensor
from torch.optim.adam import adam

from t2w.adapters.accuracy import class_scores
from t2w.adapters.batched.plan import TaskPlan, draw_batches
from t2w.adapters.batched.step import PADDING, Step, Weights
from t2w.adapters.batched.table import Table
from t2w.adapters.holdout import ClassRows, rows_of_task
from t2w.adapters.recipes import Recipe
from t2w.adapters.spec import AdapterSpec

__all__ = ["Group", "Problem", "TrainedAdapters", "run_group"]

_LOSS_STEPS = 10
"""A task's loss is the mean over this many last steps: one batch alone says little."""
_WARM_UP = 3
"""Steps before they are captured as a CUDA graph: libraries set themselves up in the first ones."""


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
        losses: (T,) mean cross-entropy of the last batches, before the update, where `train` was told to write it.
    """

    def __init__(self, problem: Problem, plans: Sequence[TaskPlan], start: Tensor) -> None:
        self.problem, self.plans = problem, list(plans)
        self.weights = Weights.from_vectors(problem.spec, start)
        self._m, self._v = (Weights(*map(torch.zeros_like, self.weights)) for _ in range(2))  # Adam's moments
        index, labels = draw_batches(plans, problem.rows, batch_size=problem.recipe.batch_size, seed=problem.seed)
        self._index, self._labels = index.to(start.device), labels.to(start.device)
        self._done = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._set_up()

    def _set_up(self) -> None:
        """What depends on which tasks are left."""
        problem, text, plans = self.problem, self.problem.text, self.plans
        texts = text.new_zeros(len(plans), plans[0].width, problem.spec.out_features)
        padding = text.new_full((len(plans), plans[0].width, 1), PADDING)
        for i, plan in enumerate(plans):
            texts[i, : len(plan.classes)] = text[list(plan.classes)]
            padding[i, : len(plan.classes)] = 0.0
        spec, batch = problem.spec, problem.recipe.batch_size
        self._step = Step(problem.table, texts, padding, hidden=spec.hidden, batch=batch, scale=spec.logit_scale)
        self._gradient = Weights(*map(torch.empty_like, self.weights))
        self.losses = text.new_zeros(len(plans))
        # Tasks of one number of steps have one learning rate: neighbours that Adam takes in one call.
        self._by_rate: list[tuple[slice, int]] = []
        for steps, same in groupby(plans, key=lambda plan: plan.steps):
            first = self._by_rate[-1][0].stop if self._by_rate else 0
            self._by_rate.append((slice(first, first + len(list(same))), steps))
        if problem.recipe.schedule == "constant":
            self._by_rate = [(slice(0, len(plans)), plans[0].steps)]
        # Tensors, so that a captured graph reads their new values.
        self._rates = [text.new_zeros(()) for _ in self._by_rate]
        self._adam = [
            [[tensor[tasks] for tensor in part] for part in (self.weights, self._gradient, self._m, self._v)]
            for tasks, _ in self._by_rate
        ]
        self._counts = [[text.new_full((), self._done, dtype=torch.float32) for _ in range(3)] for _ in self._by_rate]
        # Views are made once, not at every step.
        self._batches = list(zip(self._index.flatten(1).unbind(), self._labels.unbind(), strict=True))
        self._batch = (self._batches[0][0].clone(), self._batches[0][1].clone())
        self._calls, self._graph = 0, None

    def train(self, step: int, *, losses: bool) -> None:
        """One step of every task, the `step`-th from 0; `losses` False saves the time of writing `self.losses`.

        On CUDA it is replayed as one captured graph, for it is some forty small kernels with a launch each.
        """
        cuda = self.losses.is_cuda
        if self.losses.device.type == "cpu":
            self._batch = self._batches[step]
        else:  # a graph reads its inputs from where they were at capture
            for held, value in zip(self._batch, self._batches[step], strict=True):
                held.copy_(value)
        for rate, (_, steps) in zip(self._rates, self._by_rate, strict=True):
            rate.fill_(self.problem.recipe.rate(step, steps))
        wanted = self.losses if losses or cuda else None
        if cuda and self._graph is None and self._calls == _WARM_UP:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._once(wanted)
        if self._graph is None:
            self._once(wanted)
        else:
            self._graph.replay()
        self._calls, self._done = self._calls + 1, step + 1

    def _once(self, losses: Tensor | None) -> None:
        self._step.gradient(self.weights, self._gradient, *self._batch, losses)
        for rate, count, (w, g, m, v) in zip(self._rates, self._counts, self._adam, strict=True):
            adam(
                w, g, m, v, [], count, fused=True, capturable=True, lr=rate, beta1=0.9, beta2=0.999, eps=1e-8,
                weight_decay=0.0, amsgrad=False, maximize=False,
            )  # fmt: skip

    def keep(self, staying: Sequence[int]) -> None:
        """Go on with some of the tasks only (their numbers in `plans`, ascending)."""
        kept = torch.tensor(staying, dtype=torch.int64, device=self.losses.device)
        self.plans = [self.plans[i] for i in staying]
        if not self.plans:
            return
        parts = (self.weights, self._m, self._v)
        self.weights, self._m, self._v = (Weights(*(tensor[kept] for tensor in part)) for part in parts)
        self._index, self._labels = self._index[:, kept], self._labels[:, kept]
        self._set_up()


@dataclass(frozen=True, eq=False)
class TrainedAdapters:
    """Adapters in the order of their tasks, all on the CPU.

    Attributes:
        vectors: (T, P) float32 (float64 where trained so).
        losses: (T,) float32, mean cross-entropy in nats over the last 10 steps behind the vector.
        steps: (T,) int64, steps behind the vector.
        validation_accuracy: (T,) float32 in 0..1 on held-out training images; NaN where nothing is held out.
    """

    vectors: Tensor
    losses: Tensor
    steps: Tensor
    validation_accuracy: Tensor

    @classmethod
    def none_yet(cls, tasks: int, size: int, dtype: torch.dtype) -> TrainedAdapters:
        """Room for the adapters of T tasks."""
        unknown = torch.full((tasks,), float("nan"))
        vectors, steps = torch.zeros(tasks, size, dtype=dtype), torch.zeros(tasks, dtype=torch.int64)
        return cls(vectors, unknown.clone(), steps, unknown)


@torch.no_grad()  # of the calling thread: autograd's mode is one per thread
def run_group(problem: Problem, plans: Sequence[TaskPlan], start: Tensor, stop: Event) -> TrainedAdapters:
    """Train some tasks of one padded width from `start` (T, P).

    Args:
        plans: sorted by steps, the most first.
        stop: when set by another thread, give up at the next step.
    """
    recipe, group = problem.recipe, Group(problem, plans, start)
    result = TrainedAdapters.none_yet(len(plans), problem.spec.size, start.dtype)
    row = {plan.position: i for i, plan in enumerate(plans)}
    without_gain = dict.fromkeys(row, 0)  # evaluations since a task's best
    recent: deque[Tensor] = deque(maxlen=_LOSS_STEPS)  # losses of the last steps
    step = 0
    while group.plans:
        pause = group.plans[-1].steps  # the next step at which anything is decided
        if recipe.patience is not None:
            pause = min(pause, (step // recipe.evaluate_every + 1) * recipe.evaluate_every)
        while step < pause:
            if stop.is_set():
                return result
            wanted = pause - step <= _LOSS_STEPS
            group.train(step, losses=wanted)
            step += 1
            if wanted:
                recent.append(group.losses.clone())
        losses = torch.stack(tuple(recent)).mean(0).cpu()
        vectors = group.weights.vectors()
        staying = []
        for i, plan in enumerate(group.plans):
            ends, at = plan.steps == step, row[plan.position]
            if ends or recipe.patience is not None:
                found = _validation_accuracy(problem, plan, vectors[i])
                if recipe.patience is None or not found <= float(result.validation_accuracy[at]):
                    result.vectors[at], result.steps[at], result.validation_accuracy[at] = vectors[i].cpu(), step, found
                    result.losses[at] = losses[i]
                    without_gain[plan.position] = 0
                else:
                    without_gain[plan.position] += 1
            if not ends and (recipe.patience is None or without_gain[plan.position] < recipe.patience):
                staying.append(i)
        if len(staying) < len(group.plans):
            group.keep(staying)
            recent = deque((losses[staying] for losses in recent), maxlen=_LOSS_STEPS)
    return result


def _validation_accuracy(problem: Problem, plan: TaskPlan, vector: Tensor) -> float:
    """Top-1 accuracy on the held-out images of the task's classes, NaN without any."""
    rows, labels = rows_of_task(problem.rows.held_out, plan.classes)
    x = problem.table.gather(rows.to(vector.device)).to(vector.dtype)
    scores = class_scores(problem.spec, vector, x, problem.text[list(plan.classes)])
    return float((scores.argmax(-1).cpu() == labels).float().mean())  # of no rows NaN
