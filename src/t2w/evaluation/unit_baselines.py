"""Weight-space baselines where every task starts from its evidence: they change how units differ from it.

Named as those of `baselines.py`, which they are for adapters that share one base.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from t2w.adapters import Units, to_units, to_vector
from t2w.evaluation.bench import Bench, Tasks
from t2w.extras import needs
from t2w.progress import track
from t2w.seeds import derive_seed

__all__ = ["UnitBaselines", "start"]


def start(bench: Bench, tasks: Tasks) -> Tensor:
    """The evidence alone: where the generated adapters start."""
    assert bench.starts is not None  # only asked of such runs
    return bench.starts.of(bench.spec, tasks)


@dataclass(frozen=True, eq=False)
class UnitBaselines:
    """Baselines from the training adapters' units, each of which belongs to a class.

    Attributes:
        bench: of a run whose tasks have starts of their own.
        differences: (M, U) of every training unit from its start.
        classes: (M,) whose unit it is.
        bias: (out,) mean output bias.
    """

    bench: Bench
    differences: Tensor
    classes: Tensor
    bias: Tensor

    @classmethod
    def of(cls, bench: Bench) -> UnitBaselines:
        trained = to_units(bench.spec, bench.train_vectors)
        first = to_units(bench.spec, start(bench, bench.train_tasks))
        sizes = torch.tensor([len(task) for task in bench.train_tasks])
        mask = torch.arange(bench.spec.hidden) < sizes[:, None]
        classes = torch.cat([torch.as_tensor(list(task)) for task in bench.train_tasks])
        return cls(bench, (trained.units - first.units)[mask], classes, trained.bias.mean(0))

    def mean(self, bench: Bench, tasks: Tasks) -> Tensor:
        """Every unit moved by the mean difference."""
        return self._moved(tasks, self.differences.mean(0).expand(len(bench.text), -1))

    def nearest_text(self, bench: Bench, tasks: Tasks) -> Tensor:
        """Every unit moved as those of the seen class with the nearest text are, on average."""
        nearest = (bench.text @ bench.text[self._seen].T).argmax(1)
        return self._moved(tasks, self._by_class[nearest])

    def noise(self, bench: Bench, tasks: Tasks, *, sigma: float) -> Tensor:
        """Starts plus Gaussian noise of `sigma` x the differences' spread in each coordinate."""
        return self._random(tasks, f"noise {sigma}", sigma, torch.zeros_like(self._spread))

    def gaussian(self, bench: Bench, tasks: Tasks) -> Tensor:
        """Every coordinate's difference drawn on its own, with the training units' mean and spread."""
        return self._random(tasks, "gaussian", 1.0, self.differences.mean(0))

    def ridge(self, alphas: Sequence[float]) -> tuple[float, Tensor]:
        """Ridge regression from class text to difference: alpha, best on validation tasks, and (C, U) differences."""
        with needs("ridge regression"):
            from sklearn.linear_model import Ridge

        tasks = self.bench.validation_tasks
        found = []
        for alpha in track(alphas, "ridge", total=len(alphas), unit="fit"):
            fit = Ridge(alpha=alpha).fit(self.bench.text[self._seen].numpy(), self._by_class.numpy())
            moved = torch.from_numpy(fit.predict(self.bench.text.numpy())).float()
            found.append((float(self.bench.score_held_out(self._moved(tasks, moved), tasks).mean()), alpha, moved))
        _, alpha, moved = max(found, key=lambda each: each[0])
        return alpha, moved

    def moved_by(self, differences: Tensor, tasks: Tasks) -> Tensor:
        """(T, P) starts moved by one difference per class, (C, U)."""
        return self._moved(tasks, differences)

    def _moved(self, tasks: Tasks, differences: Tensor) -> Tensor:
        vectors = start(self.bench, tasks)
        units = to_units(self.bench.spec, vectors)
        for i, task in enumerate(tasks):
            units.units[i, : len(task)] += differences[list(task)]
        return to_vector(Units(units.units, units.bias + self.bias))

    def _random(self, tasks: Tasks, purpose: str, scale: float, mean: Tensor) -> Tensor:
        rng = torch.Generator().manual_seed(derive_seed(self.bench.seed, purpose))
        units = to_units(self.bench.spec, start(self.bench, tasks))
        for i, task in enumerate(tasks):
            noise = torch.randn(len(task), len(mean), generator=rng)
            units.units[i, : len(task)] += mean + scale * self._spread * noise
        return to_vector(units)

    @cached_property
    def _spread(self) -> Tensor:
        return self.differences.std(0)

    @cached_property
    def _seen(self) -> Tensor:
        return self.classes.unique()

    @cached_property
    def _by_class(self) -> Tensor:
        """(S, U) mean difference of each class that has units."""
        return torch.stack([self.differences[self.classes == number].mean(0) for number in self._seen.tolist()])
