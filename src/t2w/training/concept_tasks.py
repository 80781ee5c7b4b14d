"""Random tasks for generators that start from evidence: of seen classes, and of all concepts.

Half of the steps take seen classes and their training images, known by their own rows. The others take any concepts:
the features of their images are made up, N(mean that the row stands for, covariance of the seen classes), and a class
is known by its own row or by what a map of only some concepts predicts for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from t2w.concepts import Concepts, Evidence, TextMap
from t2w.concepts.photographs import ClassStatistics
from t2w.generator import Condition, condition_of_evidence
from t2w.seeds import derive_seed
from t2w.training.random_tasks import RandomTasks, TaskBatch

__all__ = ["ConceptTasks"]

_KNOWN_SHARES = (0.5, 0.95)  # of the concepts that a map knows
_FADE = (0.4, 1.1)  # made-up class means are shorter and longer than those of the seen classes


@dataclass(frozen=True, eq=False)
class ConceptTasks:
    """Where the functional loss of such a generator takes its tasks from."""

    seen: RandomTasks  # of seen classes with their images
    concepts: Concepts  # of which none is withheld from training
    positions: tuple[int, ...]  # per class of the dataset its place among the concepts; -1 for classes not seen
    statistics: ClassStatistics  # of the seen classes' features
    share: float = 0.5  # of the steps on made-up features, in [0, 1]
    classes: int = 64  # most of a task with made-up features
    maps: int = 16  # of some of the concepts, drawn with `seed`
    predicted: bool = True  # describe some classes by what a map without them predicts; False: all by their own rows
    seed: int = 0

    @property
    def spread(self) -> float:
        """Standard deviation of the seen classes' features."""
        return self.seen.spread

    def draw(self, seed: int, step: int, *, batch_size: int, images: int) -> TaskBatch:
        """See `RandomTasks.draw`."""
        rng = torch.Generator().manual_seed(derive_seed(seed, "concept tasks", step))
        if float(torch.rand((), generator=rng)) >= self.share:
            batch = self.seen.draw(seed, step, batch_size=batch_size, images=images)
            tasks = [[self.positions[number] for number in task] for task in batch.tasks]
            return TaskBatch(batch.tasks, batch.x, batch.labels, condition_of_evidence(self._own, tasks))
        most = min(self.classes, len(self.concepts))
        most = round(math.exp(math.log(2) + float(torch.rand((), generator=rng)) * math.log(most / 2)))
        sizes = torch.randint(2, max(most, 2) + 1, (batch_size,), generator=rng).tolist()
        tasks = [torch.randperm(len(self.concepts), generator=rng)[:size].tolist() for size in sizes]
        labels = torch.stack([torch.randint(size, (images,), generator=rng) for size in sizes])
        own = torch.stack([torch.tensor(task)[label] for task, label in zip(tasks, labels, strict=True)])
        fade = _FADE[0] + (_FADE[1] - _FADE[0]) * torch.rand(batch_size, 1, 1, generator=rng)
        noise = torch.randn(batch_size, images, self.concepts.rows.shape[1], generator=rng)
        x = fade * self._means[own] + noise @ self.statistics.noise.T
        return TaskBatch([], x, labels, self._condition(tasks, step, rng))

    def _condition(self, tasks: list[list[int]], step: int, rng: torch.Generator) -> Condition:
        """A third of the tasks know all of their classes, a third none, and a third each with one chance in two."""
        own = condition_of_evidence(self._own, tasks)
        if not self.predicted:
            return own
        predicted = condition_of_evidence(self._predicted[step % len(self._predicted)], tasks)
        assert own.evidence is not None and predicted.evidence is not None and predicted.variance is not None  # noqa: PT018
        chance = torch.tensor([0.0, 0.5, 1.0])[torch.arange(len(tasks)) % 3]
        known = torch.rand(own.mask.shape, generator=rng) < chance[:, None]
        rows = torch.where(known[..., None], own.evidence, predicted.evidence)
        return Condition(own.tokens, own.mask, rows, predicted.variance.masked_fill(known, 0.0))

    @cached_property
    def _own(self) -> Evidence:
        """Every concept known by its own row."""
        return self._evidence(self.concepts.rows, torch.zeros(len(self.concepts)))

    @cached_property
    def _predicted(self) -> list[Evidence]:
        """What maps of some concepts say of all: of those they know, what they would say without them."""
        whole = TextMap(self.concepts.text, self.concepts.rows)
        rng = torch.Generator().manual_seed(derive_seed(self.seed, "maps"))
        low, high = _KNOWN_SHARES
        found = []
        for number in range(self.maps):
            share = 1.0 if number == 0 else low + (high - low) * float(torch.rand((), generator=rng))
            known = torch.randperm(len(self.concepts), generator=rng)[: max(2, int(share * len(self.concepts)))]
            part = whole.of(known)
            predicted, others = part.predict(self.concepts.text), part.leave_one_out()
            predicted.rows[known], predicted.variance[known] = others.rows, others.variance
            found.append(self._evidence(predicted.rows, predicted.variance))
        return found

    def _evidence(self, rows: Tensor, variance: Tensor) -> Evidence:
        text = torch.nn.functional.normalize(self.concepts.text + self.concepts.name_text, dim=1)
        return Evidence(text, rows, variance, ("",) * len(rows))

    @cached_property
    def _means(self) -> Tensor:
        """(N, d) class means: of seen classes as they are, of other concepts as their rows have it."""
        means = self.statistics.means_of(self.concepts.rows)
        for number, mean in zip(self.seen.classes, self.statistics.means, strict=True):
            means[self.positions[number]] = mean
        return means
