"""The same work many times over: on CUDA as one captured graph, elsewhere as plain calls."""

from __future__ import annotations

from collections.abc import Callable

import torch

__all__ = ["Repeated"]

_WARM_UP = 3  # calls before capture: libraries set themselves up in the first ones


class Repeated:
    """Calls `work`, which must read its inputs from, and write its results to, memory that stays where it is.

    A step of the trainer is some forty small kernels; replayed as one CUDA graph they cost one launch.
    """

    def __init__(self, work: Callable[[], None], device: torch.device) -> None:
        self._work, self._capture, self._calls = work, device.type == "cuda", 0
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        self._calls += 1
        if self._capture and self._graph is None and self._calls > _WARM_UP:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._work()
        if self._graph is None:
            self._work()
        else:
            self._graph.replay()
