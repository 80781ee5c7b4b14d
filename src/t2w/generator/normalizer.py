"""Weights as the diffusion sees them: by default differences from base, each coordinate at mean 0 and spread 1."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from t2w.adapters.store import Moments, Vectors, blocks
from t2w.errors import T2WError
from t2w.generator.condition import Condition

__all__ = ["Normalizer"]

# Of the spread of a typical coordinate. A coordinate that hardly moves (a unit that is never active) must not be
# blown up to unit variance, where it would only be noise to fit.
_FLOOR = 0.05


class Normalizer(nn.Module):
    """normalize(w) = (w - base - mean) / std.

    Args:
        base: (P,) the adapter that all others started from.
        mean: (P,) of the training adapters' differences from base.
        std: (P,) their spread, positive.
    """

    base: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, base: Tensor, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        for name, value in (("base", base), ("mean", mean), ("std", std)):
            self.register_buffer(name, value.detach().clone().float())

    @classmethod
    def fit(cls, base: Tensor, vectors: Vectors) -> Normalizer:
        """From the base (P,) and the training adapters (T, P), a tensor or memory-mapped.

        Raises:
            T2WError: fewer than two adapters, another size than the base, or numbers that are not finite.
        """
        if len(vectors.shape) != 2 or vectors.shape[1:] != base.shape or len(vectors) < 2:
            raise T2WError(
                f"training adapters of shape {tuple(vectors.shape)}",
                expected=f"(2 or more, {base.numel()}) as the base",
            )
        if not torch.isfinite(base).all():
            raise _not_finite("the base adapter")
        differences = Moments()
        for rows, block in blocks(vectors):
            bad = (~torch.isfinite(block).all(dim=1)).nonzero().flatten().tolist()
            if bad:
                raise _not_finite(f"training adapter {rows.start + bad[0]}")
            differences.add(block - base)
        std = differences.std(correction=1)
        typical = std.square().mean().sqrt()
        return cls(base, differences.mean, std.clamp(min=max(_FLOOR * float(typical), 1e-12)))

    @staticmethod
    def coefficient_for(vectors: Vectors) -> float:
        """The factor that brings weights (T, P) to a spread of 0.538, the rule of G.pt (Peebles et al. 2022)."""
        weights = Moments(block.reshape(-1, 1) for _, block in blocks(vectors))
        return 0.538 / float(weights.std(correction=1))

    @classmethod
    def scaled(cls, size: int, coefficient: float) -> Normalizer:
        """The reference's: weights times one number, base and mean left in. `coefficient` 1 leaves them as they are."""
        return cls(torch.zeros(size), torch.zeros(size), torch.full((size,), 1.0 / coefficient))

    def normalize(self, weights: Tensor, condition: Condition | None = None) -> Tensor:
        """(..., P) adapter weights to (..., P) normalised; the same for every condition."""
        return (weights - self.base - self.mean) / self.std

    def denormalize(self, x: Tensor, condition: Condition | None = None) -> Tensor:
        """The inverse of `normalize`."""
        return x * self.std + self.mean + self.base


def _not_finite(what: str) -> T2WError:
    return T2WError(
        f"numbers that are not finite in {what}",
        expected="finite weights",
        fix="train the adapters again, at a lower learning rate",
    )
