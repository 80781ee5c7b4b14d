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

__all__ = ["PreparedBatch", "check_sizes", "embed_checked", "prepared_batches", "usable_cores"]

T = TypeVar("T")

_AHEAD = 2  # batches being prepared while the network has one: enough to keep it fed, few enough for any memory
_CHUNK = 8  # items of one call of a thread: a call costs tens of microseconds, a small image hardly more


@dataclass(frozen=True, eq=False)
class PreparedBatch:
    """One batch of the network's input.

    Attributes:
        positions: where the rows of `inputs` stand among all items.
        inputs: (len(positions), ...) float32; None where every item was refused.
        refused: the other items of the batch, each with what is wrong with it.
    """

    positions: tuple[int, ...]
    inputs: Tensor | None
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
) -> Iterator[PreparedBatch]:
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
    starts = iter(range(0, len(items), batch_size))
    waiting: deque[tuple[int, list[Future[list[Tensor | T2WError]]]]] = deque()
    pool = ThreadPoolExecutor(workers or usable_cores(), thread_name_prefix="prepare")

    def submit() -> None:
        for start in starts:
            stop = min(start + batch_size, len(items))
            chunks = [range(first, min(first + _CHUNK, stop)) for first in range(start, stop, _CHUNK)]
            waiting.append((start, [pool.submit(_prepared, items, prepare, chunk) for chunk in chunks]))
            return

    try:
        for _ in range(_AHEAD):
            submit()
        while waiting:
            start, futures = waiting.popleft()
            batch = _collected(start, [result for future in futures for result in future.result()])
            submit()
            yield batch
    finally:
        pool.shutdown(cancel_futures=True)


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


def _prepared(items: Sequence[T], prepare: Callable[[T], Tensor], chunk: range) -> list[Tensor | T2WError]:
    results: list[Tensor | T2WError] = []
    for position in chunk:
        try:
            results.append(prepare(items[position]))
        except T2WError as error:
            results.append(error)
    return results


def _collected(start: int, results: Sequence[Tensor | T2WError]) -> PreparedBatch:
    kept = [(start + i, result) for i, result in enumerate(results) if isinstance(result, Tensor)]
    refused = tuple((start + i, result) for i, result in enumerate(results) if isinstance(result, T2WError))
    if len(shapes := {tuple(x.shape) for _, x in kept}) > 1:
        raise T2WError(f"prepared images have shapes {', '.join(map(str, sorted(shapes)))}", expected="one shape")
    inputs = torch.stack([x for _, x in kept]) if kept else None
    return PreparedBatch(tuple(position for position, _ in kept), inputs, refused)
