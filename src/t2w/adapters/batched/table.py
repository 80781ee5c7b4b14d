"""Image features as the trainer reads them: kept small, widened a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from t2w.features import FeatureSet

__all__ = ["Table"]

_CHUNK = 16384  # rows converted at once: bounds the memory of making a table

# Tables live as long as their features: a long job trains its tasks in many calls on the same ones.
_tables: WeakKeyDictionary[Any, dict[tuple[torch.dtype, torch.device], Table]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of features on a device.

    A gather costs the bytes of its rows. So where a wider type is asked for than is stored, rows stay as stored (int8,
    bfloat16) and each batch is widened after the gather.

    Attributes:
        values: (N, in), float32, float64, bfloat16 or int8.
        scale: (in,), what gathered rows are multiplied by; None for nothing.
        dtype: of gathered rows.
    """

    values: Tensor
    scale: Tensor | None
    dtype: torch.dtype

    @classmethod
    def of(cls, features: FeatureSet, *, dtype: torch.dtype, device: torch.device) -> Table:
        """The table of a feature set, made once for each dtype and device."""
        known = _tables.setdefault(features, {})
        if (dtype, device) in known:
            return known[dtype, device]
        stored = features.features
        if dtype != torch.bfloat16 or (stored.dtype == dtype and features.scale is None):
            scale = None if features.scale is None else features.scale.to(device, dtype)
            return known.setdefault((dtype, device), cls(stored.to(device).contiguous(), scale, dtype))
        values = torch.empty(stored.shape, dtype=dtype, device=device)
        for start in range(0, len(stored), _CHUNK):
            rows = torch.arange(start, min(start + _CHUNK, len(stored)))
            values[start : start + len(rows)] = features.rows(rows).to(device, dtype)
        return known.setdefault((dtype, device), cls(values, None, dtype))

    def buffer(self, rows: int) -> tuple[Tensor, Tensor]:
        """Room for `gather`: where stored rows go, and where the result lies (the same when nothing is converted)."""
        stored = self.values.new_empty(rows, self.values.shape[1])
        return stored, stored if self.values.dtype == self.dtype else torch.empty_like(stored, dtype=self.dtype)

    def gather(self, index: Tensor, buffer: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Rows (len(index), in) in `dtype`, written into `buffer`; into new memory where that is None."""
        stored, out = buffer or self.buffer(len(index))
        torch.index_select(self.values, 0, index, out=stored)
        if out is not stored:
            out.copy_(stored)
        return out if self.scale is None else out.mul_(self.scale)
