"""The parts of a split, each a pure function of encoder, images and a range: made here, or by workers of a cluster."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from t2w.cluster import Cluster, spread
from t2w.datasets.lazy import LazyImages
from t2w.errors import T2WError
from t2w.features.batches import embed_checked, prepared_batches

if TYPE_CHECKING:
    from t2w.encoders import VisionEncoder

__all__ = ["Parts", "Span"]

Span = tuple[int, int]  # positions [begin, stop)


@dataclass(frozen=True)
class Parts:
    """The features of some images, part by part, as (begin, rows (stop - begin, d)).

    Attributes:
        encoder, batch_size, workers: as `extract` takes them.
        images: of the whole split.
    """

    encoder: VisionEncoder
    images: np.ndarray | Sequence[np.ndarray]
    batch_size: int
    workers: int | None

    def spans(self, size: int) -> Iterator[Span]:
        """Parts of about `size` images.

        They are cut at the ends of batches: batches, and so the rounding of sums, depend neither on where one stopped
        nor on who makes a part.
        """
        step = self.batch_size * max(1, size // self.batch_size)
        for begin in range(0, len(self.images), step):
            yield begin, min(begin + step, len(self.images))

    def here(
        self, spans: Sequence[Span], on_rows: Callable[[int], object]
    ) -> Generator[tuple[int, Tensor], None, None]:
        """Made by this process, in order. Batches are prepared ahead across the ends of parts.

        Raises:
            T2WError: an image that cannot be read, or features that are not what the encoder promises.
        """

        def prepare(position: int) -> Tensor:
            if isinstance(self.images, LazyImages):  # decoded as a classifier decodes the photographs it is shown
                return self.encoder.prepare(self.images.at(position, min_side=self.encoder.min_side))
            return self.encoder.prepare(self.images[position])

        positions = array("q", chain.from_iterable(range(*span) for span in spans))  # a million take 8 MB
        batches = prepared_batches(positions, prepare, batch_size=self.batch_size, workers=self.workers)
        for begin, stop in spans:
            rows: list[Tensor] = []
            while sum(map(len, rows)) < stop - begin:
                batch = next(batches)
                if batch.refused:
                    raise batch.refused[0][1]
                assert batch.rows is not None  # a batch holds at least one item
                rows.append(embed_checked(self.encoder, batch.rows))
                on_rows(len(rows[-1]))
            yield begin, torch.cat(rows)

    def on(
        self,
        cluster: Cluster,
        spans: Sequence[Span],
        load: Callable[..., VisionEncoder] | None,
        on_rows: Callable[[int], object],
    ) -> Generator[tuple[int, Tensor], None, None]:
        """Made by workers, as they are finished; see `extract`."""
        if not spans:
            return
        for begin, rows in spread(_Worker(self, load), iter(spans), cluster):
            yield begin, rows
            on_rows(len(rows))


class _Worker:
    """What makes parts on a worker, where the encoder is loaded once."""

    def __init__(self, parts: Parts, load: Callable[..., VisionEncoder] | None) -> None:
        self._identity = (parts.encoder.identity, parts.encoder.preprocessing)
        self._parts = parts if load is None else replace(parts, encoder=None)  # type: ignore[arg-type]
        self._load = load

    def __call__(self, begin: int, stop: int, *, device: str) -> tuple[int, Tensor]:
        if self._load is not None:
            encoder = self._load(device=device)
            if (found := (encoder.identity, encoder.preprocessing)) != self._identity:
                raise T2WError(
                    f"a worker's encoder is {' '.join(found)}",
                    expected=" ".join(self._identity),
                    fix="install the same t2w and the same weights on every node",
                )
            self._parts, self._load = replace(self._parts, encoder=encoder), None
        # Ray gives torch as many threads as the task has CPUs; as many prepare images, unless told otherwise.
        parts = replace(self._parts, workers=self._parts.workers or torch.get_num_threads())
        (part,) = parts.here([(begin, stop)], lambda rows: None)
        return part
