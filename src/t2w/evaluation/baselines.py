"""Baselines that could explain a generator's result without a generator (`Zeng et al., arXiv 2506.07998`).

Most return weight vectors (T, P) for the tasks asked for. Hyper-parameters are chosen on validation tasks and
held-out training images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from t2w.adapters import AdapterSpec, train_base
from t2w.adapters.linear_head import LinearHead, fit_linear_head
from t2w.evaluation.bench import Bench, Tasks
from t2w.evaluation.zero_shot import linear_accuracy
from t2w.extras import needs
from t2w.progress import track
from t2w.seeds import derive_seed

__all__ = [
    "JointAdapter",
    "Ridge",
    "base",
    "gaussian",
    "joint_wide",
    "linear_head",
    "mean",
    "nearest_text",
    "noise",
    "ridge",
]


def base(bench: Bench, tasks: Tasks) -> torch.Tensor:
    """The shared adapter, the same for every task."""
    return bench.base.expand(len(tasks), -1)


def mean(bench: Bench, tasks: Tasks) -> torch.Tensor:
    """The mean of all training adapters, the same for every task."""
    return bench.train_vectors.mean(0).expand(len(tasks), -1)


def nearest_text(bench: Bench, tasks: Tasks) -> torch.Tensor:
    """The adapter of the training task whose pooled text is nearest in cosine."""
    known = torch.nn.functional.normalize(bench.pooled(bench.train_tasks), dim=-1)
    asked = torch.nn.functional.normalize(bench.pooled(tasks), dim=-1)
    return bench.train_vectors[(asked @ known.T).argmax(1)]


def noise(bench: Bench, tasks: Tasks, *, sigma: float) -> torch.Tensor:
    """Training adapters drawn at random, plus Gaussian noise of `sigma` x the adapters' spread in each coordinate."""
    rng = torch.Generator().manual_seed(derive_seed(bench.seed, "noise", str(sigma)))
    drawn = bench.train_vectors[torch.randint(len(bench.train_vectors), (len(tasks),), generator=rng)]
    return drawn + sigma * bench.train_vectors.std(0) * torch.randn(drawn.shape, generator=rng)


def gaussian(bench: Bench, tasks: Tasks) -> torch.Tensor:
    """Every coordinate drawn on its own, with the training adapters' mean and spread."""
    rng = torch.Generator().manual_seed(derive_seed(bench.seed, "gaussian"))
    draw = torch.randn((len(tasks), bench.spec.size), generator=rng)
    return bench.train_vectors.mean(0) + bench.train_vectors.std(0) * draw


@dataclass(frozen=True, eq=False)
class Ridge:
    """Linear ridge regression from pooled text to differences from base; `alpha` is the regularisation chosen."""

    alpha: float
    coefficients: torch.Tensor  # (out, P)
    intercept: torch.Tensor  # (P,)

    def __call__(self, bench: Bench, tasks: Tasks) -> torch.Tensor:
        return bench.base + self.intercept + bench.pooled(tasks) @ self.coefficients


def ridge(bench: Bench, alphas: Sequence[float]) -> Ridge:
    """Fit for each of `alphas` and keep what does best on the validation tasks."""
    with needs("ridge regression"):
        from sklearn.linear_model import Ridge as SklearnRidge

    pooled, targets = bench.pooled(bench.train_tasks).numpy(), (bench.train_vectors - bench.base).numpy()
    tasks, fitted = bench.validation_tasks, []
    for alpha in track(alphas, "ridge", total=len(alphas), unit="fit"):
        fit = SklearnRidge(alpha=alpha).fit(pooled, targets)
        coefficients, intercept = torch.from_numpy(fit.coef_.T.copy()).float(), torch.as_tensor(fit.intercept_).float()
        fitted.append(Ridge(alpha, coefficients, intercept))
    return max(fitted, key=lambda one: bench.score_held_out(one(bench, tasks), tasks).mean())


@dataclass(frozen=True, eq=False)
class JointAdapter:
    """One adapter for all seen classes, with a larger hidden layer of its own."""

    spec: AdapterSpec
    vector: torch.Tensor  # (P_wide,)
    learning_rate: float

    def score(self, bench: Bench, tasks: Tasks) -> np.ndarray:
        """(T,) accuracy on test images."""
        return bench.score(self.vector.expand(len(tasks), -1), tasks, spec=self.spec)


def joint_wide(
    bench: Bench, *, hidden: int, steps: int, batch_size: int, learning_rates: Sequence[float]
) -> JointAdapter:
    """What a practitioner would do: train one wide adapter on every seen class, on the images the base had.

    The learning rate is chosen on validation tasks, on held-out images.
    """
    spec = replace(bench.base_spec, hidden=hidden)
    tasks, fitted = bench.validation_tasks, []
    for rate in track(learning_rates, "joint wide", total=len(learning_rates), unit="training"):
        vector = train_base(
            spec,
            bench.train,
            bench.text,
            classes=bench.seen,
            steps=steps,
            batch_size=batch_size,
            learning_rate=rate,
            validation_fraction=bench.validation_fraction,
            seed=derive_seed(bench.seed, "joint"),
            device=bench.device,
        ).vector
        fitted.append(JointAdapter(spec, vector, rate))
    return max(fitted, key=lambda one: bench.score_held_out(one.vector.expand(len(tasks), -1), tasks, spec=spec).mean())


def linear_head(bench: Bench, noises: Sequence[float] = (0.3, 0.6, 1.0)) -> tuple[LinearHead, float]:
    """A softmax head on all seen classes' features, for tasks of those classes alone: what labels give without text.

    The noise on features that regularises it, returned beside it, is chosen on validation tasks, on held-out images.
    """
    fitted = []
    for noise in track(noises, "linear head", total=len(noises), unit="training"):
        head = fit_linear_head(
            bench.train, bench.seen, validation_fraction=bench.validation_fraction, noise=noise, seed=bench.seed
        )
        fitted.append((head, noise))
    return max(fitted, key=lambda one: linear_accuracy(one[0], bench.held_out, bench.validation_tasks).mean())
