"""Where parts are made: in this process, or (see `cluster`) on a cluster. Both look the same to the factory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from t2w.adapters.factory.job import AdapterJob
from t2w.adapters.factory.plan import Part
from t2w.adapters.factory.work import Tools, make_part
from t2w.adapters.store import Shard

__all__ = ["Executor", "LocalExecutor"]


class Executor(Protocol):
    """Makes parts in an order of its own.

    Attributes:
        capacity: how many parts are worth handing over at a time.
    """

    capacity: int

    def submit(self, part: Part) -> None:
        """Hand a part over."""

    def next(self, on_done: Callable[[int], None]) -> tuple[Part, Shard]:
        """Wait for one of the parts handed over; what `on_done` is called with adds up to its length."""


class LocalExecutor:
    """One part after another, in this process."""

    capacity = 1

    def __init__(self, job: AdapterJob, tools: Tools) -> None:
        self._job, self._tools = job, tools
        self._parts: deque[Part] = deque()

    def submit(self, part: Part) -> None:
        self._parts.append(part)

    def next(self, on_done: Callable[[int], None]) -> tuple[Part, Shard]:
        part = self._parts.popleft()
        return part, make_part(self._job, part, self._tools, on_done)
