"""Weight vectors on disk: memory-mapped from their shards, read a block at a time, and summed up so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from t2w.errors import T2WError

__all__ = ["MappedVectors", "Moments", "Vectors", "blocks"]

_ROWS = 1024  # of a block: 69 MB at P = 16,912


class MappedVectors:
    """(T, P) float32 weight vectors, memory-mapped from their shards: only what is asked for is read.

    Args:
        files: the shards.
        locations: (T, 2) int64, each vector's shard (index into `files`) and its row there.
        size: P.
    """

    def __init__(self, files: Sequence[Path], locations: Tensor, size: int) -> None:
        self._files, self._locations = files, locations
        self._open: dict[int, Tensor] = {}
        self.shape = torch.Size((len(locations), size))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: slice | Tensor) -> Tensor:
        """(n, P) float32, copied. Raises T2WError where a shard was removed since the dataset was opened."""
        wanted = self._locations[index]
        rows = torch.empty(len(wanted), self.shape[1])
        for number in wanted[:, 0].unique().tolist():
            here = (wanted[:, 0] == number).nonzero().flatten()
            rows[here] = self._shard(number)[wanted[here, 1]]
        return rows

    def _shard(self, number: int) -> Tensor:
        """(n, P), of which the system reads the pages that are touched."""
        from safetensors import safe_open

        if number not in self._open:
            try:
                with safe_open(self._files[number], framework="pt") as file:
                    self._open[number] = file.get_tensor("vectors")
            except Exception as error:
                raise T2WError(f"cannot read {self._files[number]}: {error}", fix="open the dataset again") from error
        return self._open[number]


Vectors: TypeAlias = Tensor | MappedVectors


def blocks(vectors: Vectors, size: int = _ROWS) -> Iterator[tuple[slice, Tensor]]:
    """The rows of each block, and their vectors: those that are memory-mapped are never all in memory."""
    for first in range(0, len(vectors), size):
        rows = slice(first, min(first + size, len(vectors)))
        yield rows, vectors[rows]


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
