"""The features of image files, batch by batch: what a classifier is pointed at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from t2w.errors import T2WError
from t2w.features.batches import prepared_batches
from t2w.features.extract import embed_checked
from t2w.images import read_image

if TYPE_CHECKING:
    from t2w.encoders import VisionEncoder

__all__ = ["FileFeatures", "features_of_files"]


@dataclass(frozen=True, eq=False)
class FileFeatures:
    """Features of some of the files.

    Attributes:
        positions: of the files, among all.
        features: (len(positions), d) float32; None where every file of the batch was refused.
        refused: positions of the other files of the batch, and what is wrong with each.
    """

    positions: tuple[int, ...]
    features: Tensor | None
    refused: tuple[tuple[int, T2WError], ...]


def features_of_files(
    encoder: VisionEncoder, paths: Sequence[str | Path], *, batch_size: int = 64, workers: int | None = None
) -> Iterator[FileFeatures]:
    """Read, prepare and embed image files in order; a file that cannot be used does not stop the others.

    Full images live in the reading threads only, so memory does not grow with the number of files.

    Args:
        encoder: a frozen vision encoder.
        paths: image files.
        batch_size: files per call of the encoder.
        workers: threads that read; None takes one per core.

    Raises:
        T2WError: an encoder that does not give what it promises.
    """

    def prepare(path: str | Path) -> Tensor:
        return encoder.prepare(read_image(path, min_side=encoder.min_side))

    for batch in prepared_batches(paths, prepare, batch_size=batch_size, workers=workers):
        features = None if batch.inputs is None else embed_checked(encoder, batch.inputs)
        yield FileFeatures(batch.positions, features, batch.refused)
