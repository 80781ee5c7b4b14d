"""Classic zero-shot learners: from class texts straight to a linear classifier, for classes without images.

Their hyper-parameters are chosen by hiding a fifth of the seen classes, never on unseen ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product

import numpy as np
import torch

from t2w.adapters.linear_head import LinearHead
from t2w.evaluation.bench import Bench, Tasks
from t2w.extras import needs
from t2w.features import FeatureSet
from t2w.seeds import derive_seed

__all__ = ["eszsl", "linear_accuracy", "text_to_prototype", "top1"]

_REGULARISATION = (1e-2, 1e-1, 1.0, 10.0, 100.0)
_RBF = (0.25, 0.5, 1.0, 2.0)  # of unit vectors at distances of 0 to 2


def linear_accuracy(head: LinearHead, images: FeatureSet, tasks: Tasks) -> np.ndarray:
    """(T,) top-1 in 0..1 of a linear classifier of all classes, among each task's classes, on all their images."""
    return top1(head.logits(images.dense()), images.labels, tasks)


def top1(scores: torch.Tensor, labels: torch.Tensor, tasks: Tasks) -> np.ndarray:
    """(T,) share of images whose class, `labels` (N,), has the highest of `scores` (N, C) among each task's classes."""
    found = []
    for task in tasks:
        classes = torch.as_tensor(list(task))
        rows = torch.isin(labels, classes)
        guess = classes[scores[rows][:, classes].argmax(1)]
        found.append(float((guess == labels[rows]).double().mean()))
    return np.array(found)


Fit = Callable[[Sequence[int], Sequence[float]], LinearHead]  # (classes with images, hyper-parameters)
Chosen = tuple[LinearHead, tuple[float, ...]]  # the classifier of all classes, and its hyper-parameters


def text_to_prototype(bench: Bench) -> Chosen:
    """Kernel ridge regression (RBF) from a class's text to the mean of its features; the nearest prototype wins."""
    with needs("text-to-prototype"):
        from sklearn.kernel_ridge import KernelRidge

    means = _class_means(bench)

    def fit(classes: Sequence[int], values: Sequence[float]) -> LinearHead:
        alpha, gamma = values
        known = list(classes)
        centre = means[known].mean(0)
        model = KernelRidge(kernel="rbf", alpha=alpha, gamma=gamma)
        model.fit(bench.text[known].numpy(), (means[known] - centre).numpy())
        prototypes = torch.from_numpy(model.predict(bench.text.numpy())).float() + centre
        return LinearHead(2 * prototypes, -prototypes.square().sum(1))

    return _choose(bench, fit, product((1e-3, *_REGULARISATION[:3]), _RBF))


def eszsl(bench: Bench) -> Chosen:
    """Romera-Paredes and Torr, "An embarrassingly simple approach to zero-shot learning" (ICML 2015), closed form."""
    means, counts = _class_means(bench), torch.bincount(bench.train.labels, minlength=len(bench.text)).float()

    def fit(classes: Sequence[int], values: Sequence[float]) -> LinearHead:
        gamma, ridge = values
        known = list(classes)
        rows = bench.train.rows(torch.nonzero(torch.isin(bench.train.labels, torch.as_tensor(known))).flatten())
        text, sums = bench.text[known], means[known] * counts[known, None]
        # X Y with labels +1 for the image's own class and -1 for the others, summed class by class.
        targets = (2 * sums - rows.sum(0)).T @ text
        left = rows.T @ rows + gamma * len(rows) * torch.eye(rows.shape[1])
        right = text.T @ text + ridge * torch.eye(text.shape[1])
        mapping = torch.linalg.solve(left, targets) @ torch.linalg.inv(right)
        return LinearHead(bench.text @ mapping.T, torch.zeros(len(bench.text)))

    return _choose(bench, fit, product(_REGULARISATION, _REGULARISATION))


def _choose(bench: Bench, fit: Fit, grid: Iterable[tuple[float, ...]]) -> Chosen:
    """Fit on four fifths of the seen classes, choose by telling the rest apart, then fit on all seen classes."""
    generator = torch.Generator().manual_seed(derive_seed(bench.seed, "zero-shot"))
    order = torch.tensor(bench.seen)[torch.randperm(len(bench.seen), generator=generator)].tolist()
    hidden = order[: max(2, len(order) // 5)]
    known = order[len(hidden) :]
    best = max(grid, key=lambda values: float(linear_accuracy(fit(known, values), bench.train, [hidden])[0]))
    return fit(bench.seen, best), best


def _class_means(bench: Bench) -> torch.Tensor:
    """(C, in) mean feature of each class's training images."""
    sums = torch.zeros(len(bench.text), bench.train.dim).index_add_(0, bench.train.labels, bench.train.dense())
    counts = torch.bincount(bench.train.labels, minlength=len(bench.text))
    return sums / counts[:, None].clamp(min=1)
