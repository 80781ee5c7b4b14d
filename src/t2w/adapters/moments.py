"""Mean and spread of weights, coordinate by coordinate, over more vectors than fit into memory."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

__all__ = ["Moments"]


class Moments:
    """Running mean and standard deviation of each coordinate, in float64 (Chan et al. 1983).

    Args:
        blocks: rows (n, P) to begin with, block by block.

    Attributes:
        count: rows added.
        mean: (P,) float64 their mean.
    """

    def __init__(self, blocks: Iterable[Tensor] = ()) -> None:
        self.count = 0
        self.mean = torch.zeros((), dtype=torch.float64)
        self._squares = torch.zeros((), dtype=torch.float64)
        for rows in blocks:
            self.add(rows)

    def add(self, rows: Tensor) -> None:
        """Add rows (n, P)."""
        n = len(rows)
        if n == 0:
            return
        rows = rows.to(torch.float64)
        squares, mean = torch.var_mean(rows, dim=0, correction=0)
        total = self.count + n
        shift = mean - self.mean
        self._squares = self._squares + squares * n + shift**2 * (self.count * n / total)
        self.mean = self.mean + shift * (n / total)
        self.count = total

    def std(self, *, correction: int = 0) -> Tensor:
        """(P,) float64 over the rows, with count - `correction` in the denominator."""
        return (self._squares / max(self.count - correction, 1)).sqrt()
