"""Images decoded and prepared in threads, a few batches ahead of the network that takes them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from t2w.errors import T2WError

if TYPE_CHECKING:
    from t2w.encoders import VisionEncoder

__all__ = ["Batch", "check_sizes", "embed_checked", "prepared_batches", "usable_cores"]

T = TypeVar("T")

_AHEAD = 2  # batches being prepared while the network has one: enough to keep it fed, few enough for any memory
_CHUNK = 8  # items of one call of a thread: a call costs tens of microseconds, a small image hardly more


@dataclass(frozen=True, eq=False)
class Batch:
    """Some items in a row, and what was made of them.

    Attributes:
        positions: of the items that `rows` are of, among all items.
        rows: (len(positions), ...) float32, the network's inputs or its features; None where every item was refused.
        refused: positions of the other items, and what is wrong with each.
    """

    positions: tuple[int, ...]
    rows: Tensor | None
    refused: tuple[tuple[int, T2WError], ...]


def usable_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_sizes(batch_size: int, workers: int | None) -> None:
    """Raise T2WError unless both are at least 1 (workers may be None)."""
    for name, value in (("batch_size", batch_size), ("workers", workers)):
        if value is not None and value < 1:
            raise T2WError(f"{name} is {value}", expected="1 or more")


def prepared_batches(
    items: Sequence[T], prepare: Callable[[T], Tensor], *, batch_size: int, workers: int | None = None
) -> Iterator[Batch]:
    """Prepare items in threads and yield them in order, batch by batch.

    Decoding releases Python's lock, so threads are enough. At most 3 batches exist at any time, whatever the number of
    items. A T2WError of `prepare` refuses its item only; any other exception ends everything.

    Args:
        items: what is prepared: positions, paths, ...
        prepare: one item to one input of the network, all of one shape; called from several threads.
        batch_size: items per batch; the last one may be smaller.
        workers: threads; None takes one per core.

    Raises:
        T2WError: inputs of different shapes, or sizes below 1.
    """
    check_sizes(batch_size, workers)
    waiting: deque[list[Future[list[tuple[int, Tensor | T2WError]]]]] = deque()
    pool = ThreadPoolExecutor(workers or usable_cores(), thread_name_prefix="prepare")

    def prepared(chunk: range) -> list[tuple[int, Tensor | T2WError]]:
        results: list[tuple[int, Tensor | T2WError]] = []
        for position in chunk:
            try:
                results.append((position, prepare(items[position])))
            except T2WError as error:
                results.append((position, error))
        return results

    try:
        for start in range(0, len(items), batch_size):
            stop = min(start + batch_size, len(items))
            chunks = [range(first, min(first + _CHUNK, stop)) for first in range(start, stop, _CHUNK)]
            waiting.append([pool.submit(prepared, chunk) for chunk in chunks])
            if len(waiting) > _AHEAD:
                yield _collected(waiting.popleft())
        while waiting:
            yield _collected(waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _collected(futures: Sequence[Future[list[tuple[int, Tensor | T2WError]]]]) -> Batch:
    results = [result for future in futures for result in future.result()]
    kept = {position: found for position, found in results if isinstance(found, Tensor)}
    if len(shapes := {tuple(x.shape) for x in kept.values()}) > 1:
        raise T2WError(f"prepared images have shapes {', '.join(map(str, sorted(shapes)))}", expected="one shape")
    refused = tuple((position, found) for position, found in results if isinstance(found, T2WError))
    return Batch(tuple(kept), torch.stack(list(kept.values())) if kept else None, refused)


def embed_checked(encoder: VisionEncoder, inputs: Tensor) -> Tensor:
    """The features of prepared images (B, ...), (B, dim), checked to be what the encoder promises.

    Raises:
        T2WError: another shape, or features that are not finite.
    """
    features = encoder.embed(inputs)
    expected = (len(inputs), encoder.dim)
    if tuple(features.shape) != expected:
        raise T2WError(f"{encoder.identity} gave features of shape {tuple(features.shape)}", expected=f"{expected}")
    if not bool(torch.isfinite(features).all()):
        raise T2WError(f"{encoder.identity} gave NaN or infinite features", fix="check the encoder's weights")
    return features
