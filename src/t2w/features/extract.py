"""From images to features, once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from t2w.datasets.lazy import LazyImages
from t2w.features.batches import check_sizes, embed_checked, prepared_batches
from t2w.features.cache import FeatureCache
from t2w.features.feature_set import FeatureSet
from t2w.progress import progress

if TYPE_CHECKING:
    from t2w.datasets import ImageSet
    from t2w.encoders import VisionEncoder

__all__ = ["extract"]

_PART = 2048  # images per part, about: what a killed extraction repeats at most


def extract(
    encoder: VisionEncoder,
    image_set: ImageSet,
    *,
    batch_size: int = 256,
    workers: int | None = None,
    cache: str | Path | None = None,
) -> FeatureSet:
    """The features of all images of a split, float32, in the images' order.

    Images are read and prepared in threads while the encoder works on the batch before; three batches are in memory at
    most.

    Args:
        encoder: a frozen vision encoder.
        image_set: images with labels.
        batch_size: images per call of the encoder; memory grows with it.
        workers: threads that read and prepare; None takes one per core.
        cache: a folder that keeps features between calls, under a hash of the dataset, the encoder and its
            preprocessing. An extraction that was stopped goes on there from its last finished part, and gives the same
            numbers to the bit. None keeps nothing.

    Raises:
        T2WError: an image that cannot be read, or an encoder that gives features of another shape than it says, or
            ones that are not finite.
    """
    check_sizes(batch_size, workers)
    kept = None if cache is None else FeatureCache.of(cache, encoder, image_set)
    features = None if kept is None else kept.read((len(image_set), encoder.dim))
    if features is None:
        features = _extracted(encoder, image_set, batch_size, workers, kept)
        if kept is not None:
            kept.write(features)
    return FeatureSet(
        features=features,
        scale=None,
        labels=torch.as_tensor(image_set.labels, dtype=torch.int64),
        class_names=image_set.class_names,
        encoder=encoder.identity,
        preprocessing=encoder.preprocessing,
        split=image_set.split,
    )


def _extracted(
    encoder: VisionEncoder, image_set: ImageSet, batch_size: int, workers: int | None, kept: FeatureCache | None
) -> Tensor:
    n = len(image_set)
    features = torch.empty(n, encoder.dim)
    # Parts are cut at the ends of batches: batches, and so the rounding of sums, do not depend on where one stopped.
    size = batch_size * max(1, _PART // batch_size)
    todo: list[int] = []
    for begin in range(0, n, size):
        stop = min(begin + size, n)
        part = None if kept is None else kept.read((stop - begin, encoder.dim), begin=begin, batch_size=batch_size)
        if part is None:
            todo.extend(range(begin, stop))
        else:
            features[begin:stop] = part

    images = image_set.images

    def prepare(position: int) -> Tensor:
        if isinstance(images, LazyImages):  # decoded as a classifier decodes the photographs it is shown
            return encoder.prepare(images.at(position, min_side=encoder.min_side))
        return encoder.prepare(images[position])

    with progress(f"features ({image_set.split})", total=n, unit="image", initial=n - len(todo)) as bar:
        for batch in prepared_batches(todo, prepare, batch_size=batch_size, workers=workers):
            if batch.refused:
                raise batch.refused[0][1]
            assert batch.rows is not None  # a batch holds at least one item
            first, stop = todo[batch.positions[0]], todo[batch.positions[-1]] + 1
            features[first:stop] = embed_checked(encoder, batch.rows)
            if kept is not None and (stop % size == 0 or stop == n):
                begin = (stop - 1) // size * size
                kept.write(features[begin:stop], begin=begin, batch_size=batch_size)
            bar.update(stop - first)
    return features
