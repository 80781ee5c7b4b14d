"""The vectors of a weight dataset, memory-mapped from its shards."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from t2w.errors import T2WError

__all__ = ["MappedVectors"]


class MappedVectors:
    """(T, P) float32 weight vectors of which only what is asked for is read.

    Args:
        files: the shards.
        places: (T, 2) int64, each vector's shard (index into `files`) and its row there.
        size: P.
    """

    def __init__(self, files: Sequence[Path], places: Tensor, size: int) -> None:
        self._files, self._places = tuple(files), places
        self.shape = torch.Size((len(places), size))

    def __len__(self) -> int:
        return self.shape[0]

    @cached_property
    def _shards(self) -> dict[int, Tensor]:
        from safetensors import safe_open

        shards = {}
        for number in self._places[:, 0].unique().tolist():
            try:
                with safe_open(self._files[number], framework="pt") as file:
                    shards[number] = file.get_tensor("vectors")  # mapped: its pages are read on first touch
            except Exception as error:  # the file was removed or overwritten since the dataset was opened
                raise T2WError(f"cannot read {self._files[number]}: {error}", fix="open the dataset again") from error
        return shards

    def __getitem__(self, index: slice | Tensor) -> Tensor:
        """(n, P) float32, copied."""
        wanted = self._places[index]
        rows = torch.empty(len(wanted), self.shape[1])
        for number in wanted[:, 0].unique().tolist():
            here = (wanted[:, 0] == number).nonzero().flatten()
            rows[here] = self._shards[number][wanted[here, 1]]
        return rows
