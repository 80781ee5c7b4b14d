"""A softmax classifier straight on image features: one weight row per class, no text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters.holdout import class_rows
from t2w.features import FeatureSet
from t2w.seeds import derive_seed

__all__ = ["LinearHead", "fit_linear_head"]

_STEPS, _BATCH, _RATE = 1200, 1024, 3e-3


@dataclass(frozen=True, eq=False)
class LinearHead:
    """Scores x @ weight.T + bias.

    Attributes:
        weight: (C, in_features); C counts all classes of the dataset, and rows of those not fitted mean nothing.
        bias: (C,).
    """

    weight: Tensor
    bias: Tensor

    def logits(self, x: Tensor) -> Tensor:
        """(..., C) of image features (..., in_features)."""
        return x @ self.weight.T + self.bias

    def to(self, device: torch.device) -> LinearHead:
        return LinearHead(self.weight.to(device), self.bias.to(device))


def fit_linear_head(
    features: FeatureSet, classes: Sequence[int], *, validation_fraction: float, noise: float, seed: int
) -> LinearHead:
    """Fit to the training images of some classes, those held out left alone; seconds on a CPU.

    Args:
        classes: positions in `features.class_names`.
        validation_fraction: share of each class's images that is held out.
        noise: standard deviation of noise added to the features, in units of their spread; the regularisation.
        seed: of batches and noise; the same head for the same seed.
    """
    train = class_rows(features, validation_fraction=validation_fraction).train
    rows = torch.cat([train[c] for c in classes])
    x, labels = features.rows(rows), features.labels[rows]
    mean, spread = x.mean(dim=0), x.std()
    x = (x - mean) / spread
    rng = torch.Generator().manual_seed(derive_seed(seed, "linear head"))
    weight = torch.zeros(len(features.class_names), x.shape[1], requires_grad=True)
    bias = torch.zeros(len(weight), requires_grad=True)
    optimizer = torch.optim.Adam([weight, bias], lr=_RATE)
    rates = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=_STEPS)
    for _ in range(_STEPS):
        drawn = torch.randint(len(x), (_BATCH,), generator=rng)
        blurred = x[drawn] + noise * torch.randn(_BATCH, x.shape[1], generator=rng)
        optimizer.zero_grad()
        F.cross_entropy(blurred @ weight.T + bias, labels[drawn]).backward()
        optimizer.step()
        rates.step()
    with torch.no_grad():
        return LinearHead(weight / spread, bias - weight @ (mean / spread))
