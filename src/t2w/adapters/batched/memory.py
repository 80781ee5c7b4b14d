"""Working memory in large pages: a step walks through megabytes, and with 4 KiB pages waits for their addresses."""

from __future__ import annotations

import mmap
from contextlib import suppress
from math import prod

import torch
from torch import Tensor

__all__ = ["Memory"]

_BLOCK = 64 << 20  # bytes asked for at once; what is not used is never backed by real memory
_ALIGNMENT = 64  # a cache line


class Memory:
    """Hands out tensors that lie side by side; on a CPU under Linux in pages of 2 MiB, where the kernel grants them.

    Memory goes back when the last of its tensors is gone.

    Args:
        device: where tensors lie; on an accelerator they are ordinary ones.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._block, self._used = torch.empty(0, dtype=torch.uint8), 0

    def empty(self, *shape: int, dtype: torch.dtype) -> Tensor:
        """A contiguous tensor of any content."""
        if self.device.type != "cpu":
            return torch.empty(shape, dtype=dtype, device=self.device)
        size = prod(shape) * dtype.itemsize
        if self._used + size > len(self._block):
            self._block, self._used = _block(max(size, _BLOCK)), 0
        piece = self._block[self._used : self._used + size]
        self._used += -(-size // _ALIGNMENT) * _ALIGNMENT
        return piece.view(dtype).view(shape)

    def copy(self, value: Tensor, *, dtype: torch.dtype | None = None) -> Tensor:
        """A contiguous copy of `value`; `dtype` None keeps its own."""
        return self.empty(*value.shape, dtype=dtype or value.dtype).copy_(value)


def _block(size: int) -> Tensor:
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return torch.empty(size, dtype=torch.uint8)
    memory = mmap.mmap(-1, size)
    with suppress(OSError):  # a kernel without large pages
        memory.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(memory, dtype=torch.uint8)
