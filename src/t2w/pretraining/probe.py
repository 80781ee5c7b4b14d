"""A linear probe: how much of the classes a linear softmax head finds in frozen features."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["fit_probe", "probe_accuracy"]

DECAYS = (1e-5, 1e-4, 1e-3)


def fit_probe(x: Tensor, y: Tensor, n_classes: int, *, decay: float, iterations: int = 60) -> Tensor:
    """(F + 1, C) weights of a softmax regression on standardised features, by L-BFGS.

    Args:
        x: (N, F) features, standardised.
        decay: weight of the squared norm.
    """
    weights = torch.zeros(x.shape[1] + 1, n_classes, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weights], max_iter=iterations, history_size=10, line_search_fn="strong_wolfe", tolerance_change=1e-7
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(x @ weights[:-1] + weights[-1], y) + decay * weights[:-1].square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.detach()


def probe_accuracy(
    train: tuple[Tensor, Tensor], validation: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor]
) -> tuple[float, float]:
    """(validation, test) top-1 accuracy in 0..1 of the probe whose decay is best on `validation`.

    Args:
        train, validation, test: features (N, F) and labels (N,); the probe learns from `train` alone.
    """
    std, mean = torch.std_mean(train[0], dim=0)
    std = std.clamp(min=1e-6)
    n_classes = int(train[1].max()) + 1
    found = []
    for decay in DECAYS:
        weights = fit_probe((train[0] - mean) / std, train[1], n_classes, decay=decay)

        def hits(x: Tensor, y: Tensor, weights: Tensor = weights) -> float:
            logits = ((x - mean) / std) @ weights[:-1] + weights[-1]
            return float((logits.argmax(1) == y).float().mean())

        found.append((hits(*validation), hits(*test)))
    return max(found)
