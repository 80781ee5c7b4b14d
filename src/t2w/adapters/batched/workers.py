"""Independent groups on the cores of a CPU: one thread for each, every thread with a core to itself.

A step is some forty operations of tens of microseconds. Splitting each over the cores would spend as long waiting at
their ends as working; whole groups never wait for one another, and torch releases the interpreter's lock inside its
operations.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event
from typing import TypeVar

import torch

__all__ = ["work_through", "worker_count"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def worker_count(device: torch.device) -> int:
    """Groups in training at once: torch's threads on a CPU, one on an accelerator, which is parallel itself."""
    return torch.get_num_threads() if device.type == "cpu" else 1


def work_through(
    items: Sequence[Item], work: Callable[[Item, Event], Result], *, device: torch.device
) -> Generator[tuple[Item, Result], None, None]:
    """Yield (item, work(item, stop)) as they finish; when the caller leaves early, `stop` is set and threads end."""
    if device.type != "cpu":
        for item in items:
            yield item, work(item, Event())
        return
    threads, stop = torch.get_num_threads(), Event()
    # One thread each, even where only one is needed: a product split over threads can differ in its last bit. torch's
    # number of threads is in part one per thread (OpenMP's) and in part global, which is put back at the end.
    pool = ThreadPoolExecutor(threads, thread_name_prefix="adapters", initializer=torch.set_num_threads, initargs=(1,))
    try:
        running = {pool.submit(work, item, stop): item for item in items}
        for future in as_completed(running):
            yield running.pop(future), future.result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)
