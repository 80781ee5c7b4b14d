"""The features of pictures, batch by batch: the one way from what a user points at to what a classifier takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor

from t2w.features.batches import Batch, embed_checked, prepared_batches
from t2w.pictures import Picture, pixels_of

if TYPE_CHECKING:
    from t2w.encoders import VisionEncoder

__all__ = ["features_of_pictures"]


def features_of_pictures(
    encoder: VisionEncoder, pictures: Sequence[Picture], *, batch_size: int = 64, workers: int | None = None
) -> Iterator[Batch]:
    """Read, prepare and embed pictures in order; one that cannot be used does not stop the others.

    Full images live in the reading threads only, so memory does not grow with the number of files.

    Args:
        encoder: a frozen vision encoder.
        pictures: paths of image files, their bytes, Pillow images, arrays or tensors.
        batch_size: pictures per call of the encoder.
        workers: threads that read; None takes one per core.

    Raises:
        T2WError: an encoder that does not give what it promises, or a batch size below 1.
    """

    def prepare(picture: Picture) -> Tensor:
        return encoder.prepare(pixels_of(picture, min_side=encoder.min_side))

    for batch in prepared_batches(pictures, prepare, batch_size=batch_size, workers=workers):
        yield batch if batch.rows is None else replace(batch, rows=embed_checked(encoder, batch.rows))
