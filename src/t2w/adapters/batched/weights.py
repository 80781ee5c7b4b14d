"""Weights of many adapters, and anything shaped like them: gradients, Adam's moments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from t2w.adapters.spec import AdapterSpec, unflatten

__all__ = ["Weights"]


@dataclass(frozen=True, eq=False)
class Weights:
    """T adapters as three contiguous tensors, in the orientation that the products want.

    The second layer is kept as V^T with V = [linear2.weight, linear2.bias]: its bias is the column of one more hidden
    unit whose value is always 1. Adam works number by number, so this order of the numbers is as good as the vector's.

    Attributes:
        w1: (T, hidden, in). b1: (T, hidden, 1). vt: (T, hidden + 1, out).
    """

    w1: Tensor
    b1: Tensor
    vt: Tensor

    @classmethod
    def from_vectors(cls, spec: AdapterSpec, vectors: Tensor) -> Weights:
        """From weight vectors (T, P); parts may share their memory."""
        part = unflatten(spec, vectors)
        return cls(
            w1=part["linear1.weight"],
            b1=part["linear1.bias"].unsqueeze(-1),
            vt=torch.cat([part["linear2.weight"].mT, part["linear2.bias"].unsqueeze(1)], dim=1),
        )

    def vectors(self) -> Tensor:
        """The weight vectors (T, P), copied."""
        weight, bias = self.vt[:, :-1], self.vt[:, -1]
        return torch.cat([self.w1.flatten(1), self.b1.flatten(1), weight.mT.flatten(1), bias], dim=1)

    @property
    def tensors(self) -> list[Tensor]:
        return [self.w1, self.b1, self.vt]

    def map(self, change: Callable[[Tensor], Tensor]) -> Weights:
        return Weights(*map(change, self.tensors))
