"""Baselines that could explain a generator's result without a generator (Zeng et al. 2025, arXiv 2506.07998).

Hyper-parameters are chosen on validation tasks and held-out training images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters import AdapterSpec, Units, to_units, to_vector, train_base
from t2w.adapters.linear_head import LinearHead, fit_linear_head
from t2w.evaluation.bench import Bench, Tasks
from t2w.evaluation.zero_shot import linear_accuracy
from t2w.extras import needs
from t2w.progress import track
from t2w.seeds import derive_seed

__all__ = ["AdapterBaselines", "JointAdapter", "UnitBaselines", "joint_wide", "linear_head"]

Method = Callable[[Tasks], Tensor]  # tasks -> (T, P) a weight vector for each


@dataclass(frozen=True, eq=False)
class AdapterBaselines:
    """Baselines in weight space where all adapters start from one base: they make whole adapters."""

    bench: Bench

    def mean(self, tasks: Tasks) -> Tensor:
        """The mean of all training adapters, the same for every task."""
        return self.bench.train_vectors.mean(0).expand(len(tasks), -1)

    def nearest_text(self, tasks: Tasks) -> Tensor:
        """The adapter of the training task whose pooled text is nearest in cosine."""
        known, asked = (F.normalize(self.bench.pooled(each), dim=-1) for each in (self.bench.train_tasks, tasks))
        return self.bench.train_vectors[(asked @ known.T).argmax(1)]

    def noise(self, tasks: Tasks, *, sigma: float) -> Tensor:
        """Training adapters drawn at random, plus Gaussian noise of `sigma` x their spread in each coordinate."""
        rng, vectors = self._rng("noise", str(sigma)), self.bench.train_vectors
        drawn = vectors[torch.randint(len(vectors), (len(tasks),), generator=rng)]
        return drawn + sigma * vectors.std(0) * torch.randn(drawn.shape, generator=rng)

    def gaussian(self, tasks: Tasks) -> Tensor:
        """Every coordinate drawn on its own, with the training adapters' mean and spread."""
        draw = torch.randn((len(tasks), self.bench.spec.size), generator=self._rng("gaussian"))
        return self.bench.train_vectors.mean(0) + self.bench.train_vectors.std(0) * draw

    def ridge(self, alphas: Sequence[float]) -> tuple[float, Method]:
        """Linear ridge regression from pooled text to difference from base: the best of `alphas`, and the method."""
        bench = self.bench

        def method(model: Any, tasks: Tasks) -> Tensor:
            return bench.base + torch.from_numpy(model.predict(bench.pooled(tasks).numpy())).float()

        return _best_ridge(bench, alphas, bench.pooled(bench.train_tasks), bench.train_vectors - bench.base, method)

    def _rng(self, *purpose: str) -> torch.Generator:
        return torch.Generator().manual_seed(derive_seed(self.bench.seed, *purpose))


@dataclass(frozen=True, eq=False)
class UnitBaselines:
    """The same where every task starts from its evidence: they change how single units differ from their start."""

    bench: Bench

    def mean(self, tasks: Tasks) -> Tensor:
        """Every unit moved by the mean difference."""
        return self._moved(tasks, self._differences.mean(0).expand(len(self.bench.text), -1))

    def nearest_text(self, tasks: Tasks) -> Tensor:
        """Every unit moved as those of the seen class with the nearest text are, on average."""
        return self._moved(tasks, self._by_class[(self.bench.text @ self.bench.text[self._seen].T).argmax(1)])

    def noise(self, tasks: Tasks, *, sigma: float) -> Tensor:
        """Starts plus Gaussian noise of `sigma` x the differences' spread in each coordinate."""
        return self._random(tasks, f"noise {sigma}", sigma, torch.zeros_like(self._differences[0]))

    def gaussian(self, tasks: Tasks) -> Tensor:
        """Every coordinate's difference drawn on its own, with the training units' mean and spread."""
        return self._random(tasks, "gaussian", 1.0, self._differences.mean(0))

    def ridge(self, alphas: Sequence[float]) -> tuple[float, Method]:
        """Linear ridge regression from class text to a unit's difference: the best of `alphas`, and the method."""

        def method(model: Any, tasks: Tasks) -> Tensor:
            return self._moved(tasks, torch.from_numpy(model.predict(self.bench.text.numpy())).float())

        return _best_ridge(self.bench, alphas, self.bench.text[self._seen], self._by_class, method)

    def _moved(self, tasks: Tasks, differences: Tensor) -> Tensor:
        """(T, P) starts moved by one difference per class (C, U), and by the mean output bias."""
        found = to_units(self.bench.spec, self.bench.start(tasks))
        for i, task in enumerate(tasks):
            found.units[i, : len(task)] += differences[list(task)]
        return to_vector(Units(found.units, found.bias + self._bias))

    def _random(self, tasks: Tasks, purpose: str, scale: float, mean: Tensor) -> Tensor:
        rng = torch.Generator().manual_seed(derive_seed(self.bench.seed, purpose))
        found, spread = to_units(self.bench.spec, self.bench.start(tasks)), self._differences.std(0)
        for i, task in enumerate(tasks):
            found.units[i, : len(task)] += mean + scale * spread * torch.randn(len(task), len(mean), generator=rng)
        return to_vector(found)

    @cached_property
    def _differences(self) -> Tensor:
        """(M, U) of every training unit from its start, task by task."""
        tasks = self.bench.train_tasks
        vectors = (self.bench.train_vectors, self.bench.start(tasks))
        trained, first = (to_units(self.bench.spec, each).units for each in vectors)
        sizes = torch.tensor([len(task) for task in tasks])
        return (trained - first)[torch.arange(self.bench.spec.hidden) < sizes[:, None]]

    @cached_property
    def _bias(self) -> Tensor:
        return to_units(self.bench.spec, self.bench.train_vectors).bias.mean(0)

    @cached_property
    def _classes(self) -> Tensor:
        """(M,) the class of every training unit."""
        return torch.tensor([number for task in self.bench.train_tasks for number in task])

    @cached_property
    def _seen(self) -> Tensor:
        return self._classes.unique()

    @cached_property
    def _by_class(self) -> Tensor:
        """(S, U) mean difference of each class that has units."""
        return torch.stack([self._differences[self._classes == number].mean(0) for number in self._seen.tolist()])


def _best_ridge(
    bench: Bench, alphas: Sequence[float], x: Tensor, y: Tensor, method: Callable[[Any, Tasks], Tensor]
) -> tuple[float, Method]:
    """Fit y to x for each of `alphas`; the one that does best on the validation tasks, and `method` with its model."""
    with needs("ridge regression"):
        from sklearn.linear_model import Ridge

    tasks, fitted = bench.validation_tasks, []
    for alpha in track(alphas, "ridge", total=len(alphas), unit="fit"):
        fitted.append((alpha, partial(method, Ridge(alpha=alpha).fit(x.numpy(), y.numpy()))))
    return max(fitted, key=lambda one: bench.score_held_out(one[1](tasks), tasks).mean())


@dataclass(frozen=True, eq=False)
class JointAdapter:
    """One adapter (P_wide,) for all seen classes, with a larger hidden layer of its own."""

    spec: AdapterSpec
    vector: Tensor
    learning_rate: float

    def score(self, bench: Bench, tasks: Tasks) -> np.ndarray:
        """(T,) accuracy on test images."""
        return bench.score(self.vector.expand(len(tasks), -1), tasks, spec=self.spec)


def joint_wide(
    bench: Bench, *, hidden: int, steps: int, batch_size: int, learning_rates: Sequence[float]
) -> JointAdapter:
    """What a practitioner would do: train one wide adapter on every seen class, on the images the base had."""
    spec, tasks, fitted = replace(bench.base_spec, hidden=hidden), bench.validation_tasks, []
    for rate in track(learning_rates, "joint wide", total=len(learning_rates), unit="training"):
        vector = train_base(
            spec, bench.train, bench.text, classes=bench.seen, steps=steps, batch_size=batch_size, learning_rate=rate,
            validation_fraction=bench.validation_fraction, seed=derive_seed(bench.seed, "joint"), device=bench.device,
        ).vector  # fmt: skip
        fitted.append(JointAdapter(spec, vector, rate))
    return max(fitted, key=lambda one: bench.score_held_out(one.vector.expand(len(tasks), -1), tasks, spec=spec).mean())


def linear_head(bench: Bench, noises: Sequence[float] = (0.3, 0.6, 1.0)) -> tuple[LinearHead, float]:
    """A softmax head on all seen classes' features, and the noise on features that regularises it.

    For tasks of seen classes alone: what labels give without text.
    """
    fitted = []
    for noise in track(noises, "linear head", total=len(noises), unit="training"):
        head = fit_linear_head(
            bench.train, bench.seen, validation_fraction=bench.validation_fraction, noise=noise, seed=bench.seed
        )
        fitted.append((head, noise))
    return max(fitted, key=lambda one: linear_accuracy(one[0], bench.held_out, bench.validation_tasks).mean())
