"""Running mean, spread and extremes of weights, coordinate by coordinate, in one pass and float64."""

from __future__ import annotations

import torch

__all__ = ["Moments"]


class Moments:
    """Mean and standard deviation of each coordinate over rows added block by block (Chan et al. 1983)."""

    def __init__(self, size: int) -> None:
        self.count = 0
        self.mean = torch.zeros(size, dtype=torch.float64)
        self._squares = torch.zeros(size, dtype=torch.float64)

    def add(self, rows: torch.Tensor) -> None:
        """Add rows (n, P)."""
        rows = rows.to(torch.float64)
        n, mean = len(rows), rows.mean(0)
        if n == 0:
            return
        total = self.count + n
        shift = mean - self.mean
        self._squares += ((rows - mean) ** 2).sum(0) + shift**2 * (self.count * n / total)
        self.mean = self.mean + shift * (n / total)
        self.count = total

    @property
    def std(self) -> torch.Tensor:
        """(P,) over the rows, with n in the denominator."""
        return (self._squares / max(self.count, 1)).sqrt()
