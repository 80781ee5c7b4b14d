"""Classic zero-shot learners: from class texts straight to a linear classifier, for classes without images.

Their hyper-parameters are chosen by hiding a fifth of the seen classes, never on unseen ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch

from t2w.evaluation.bench import Bench, Tasks
from t2w.extras import needs
from t2w.features import FeatureSet
from t2w.seeds import derive_seed

__all__ = ["LinearScores", "eszsl", "text_to_prototype", "top1"]

_REGULARISATION = (1e-2, 1e-1, 1.0, 10.0, 100.0)
_RBF = (0.25, 0.5, 1.0, 2.0)  # of unit vectors at distances of 0 to 2


@dataclass(frozen=True, eq=False)
class LinearScores:
    """One linear score per class of the dataset: x @ weights.T + bias.

    Attributes:
        weights: (C, in).
        bias: (C,).
        chosen: the hyper-parameters.
    """

    weights: torch.Tensor
    bias: torch.Tensor
    chosen: tuple[float, ...]

    def accuracy(self, images: FeatureSet, tasks: Tasks) -> np.ndarray:
        """(T,) top-1 in 0..1 among each task's classes, on all their images."""
        return top1(self.of(images.dense()), images.labels, tasks)

    def of(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C) scores of features (N, in)."""
        return x @ self.weights.T + self.bias


def top1(scores: torch.Tensor, labels: torch.Tensor, tasks: Tasks) -> np.ndarray:
    """(T,) share of images whose own class scores highest among each task's classes.

    Args:
        scores: (N, C) of N images for all classes.
        labels: (N,) their classes.
    """
    found = []
    for task in tasks:
        classes = torch.as_tensor(list(task))
        rows = torch.isin(labels, classes)
        guess = classes[scores[rows][:, classes].argmax(1)]
        found.append(float((guess == labels[rows]).double().mean()))
    return np.array(found)


_Fit = Callable[[Sequence[int], Sequence[float]], LinearScores]  # (classes with images, hyper-parameters)


def text_to_prototype(bench: Bench) -> LinearScores:
    """Kernel ridge regression (RBF) from a class's text to the mean of its features; the nearest prototype wins."""
    with needs("text-to-prototype"):
        from sklearn.kernel_ridge import KernelRidge

    means = _class_means(bench)

    def fit(classes: Sequence[int], values: Sequence[float]) -> LinearScores:
        alpha, gamma = values
        known = list(classes)
        centre = means[known].mean(0)
        model = KernelRidge(kernel="rbf", alpha=alpha, gamma=gamma)
        model.fit(bench.text[known].numpy(), (means[known] - centre).numpy())
        prototypes = torch.from_numpy(model.predict(bench.text.numpy())).float() + centre
        return LinearScores(2 * prototypes, -prototypes.square().sum(1), tuple(values))

    return _choose(bench, fit, product((1e-3, *_REGULARISATION[:3]), _RBF))


def eszsl(bench: Bench) -> LinearScores:
    """Romera-Paredes and Torr, "An embarrassingly simple approach to zero-shot learning" (ICML 2015), closed form."""
    means, counts = _class_means(bench), torch.bincount(bench.train.labels, minlength=len(bench.text)).float()

    def fit(classes: Sequence[int], values: Sequence[float]) -> LinearScores:
        gamma, ridge = values
        known = list(classes)
        rows = bench.train.rows(torch.nonzero(torch.isin(bench.train.labels, torch.as_tensor(known))).flatten())
        text, sums = bench.text[known], means[known] * counts[known, None]
        # X Y with labels +1 for the image's own class and -1 for the others, summed class by class.
        targets = (2 * sums - rows.sum(0)).T @ text
        left = rows.T @ rows + gamma * len(rows) * torch.eye(rows.shape[1])
        right = text.T @ text + ridge * torch.eye(text.shape[1])
        mapping = torch.linalg.solve(left, targets) @ torch.linalg.inv(right)
        return LinearScores(bench.text @ mapping.T, torch.zeros(len(bench.text)), tuple(values))

    return _choose(bench, fit, product(_REGULARISATION, _REGULARISATION))


def _choose(bench: Bench, fit: _Fit, grid: Iterable[tuple[float, ...]]) -> LinearScores:
    """Fit on four fifths of the seen classes, choose by telling the rest apart, then fit on all seen classes."""
    generator = torch.Generator().manual_seed(derive_seed(bench.seed, "zero-shot"))
    order = torch.tensor(bench.seen)[torch.randperm(len(bench.seen), generator=generator)].tolist()
    hidden = order[: max(2, len(order) // 5)]
    known = order[len(hidden) :]
    best = max(grid, key=lambda values: float(fit(known, values).accuracy(bench.train, [hidden])[0]))
    return fit(bench.seen, best)


def _class_means(bench: Bench) -> torch.Tensor:
    """(C, in) mean feature of each class's training images."""
    sums = torch.zeros(len(bench.text), bench.train.dim).index_add_(0, bench.train.labels, bench.train.dense())
    counts = torch.bincount(bench.train.labels, minlength=len(bench.text))
    return sums / counts[:, None].clamp(min=1)
