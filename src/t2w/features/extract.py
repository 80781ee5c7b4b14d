"""From images to features, once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from t2w.features.batches import check_sizes
from t2w.features.cache import FeatureCache
from t2w.features.feature_set import FeatureSet
from t2w.features.parts import Parts
from t2w.progress import progress

if TYPE_CHECKING:
    from t2w.cluster import Cluster
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
    cluster: Cluster | None = None,
    load: Callable[..., VisionEncoder] | None = None,
) -> FeatureSet:
    """The features of all images of a split, float32, in the images' order.

    Images are read and prepared in threads while the encoder works on the batch before; three batches are in memory at
    most. With a cache, so is one part of the features alone: those that are given back are memory-mapped.

    Args:
        encoder: a frozen vision encoder.
        image_set: images with labels.
        batch_size: images per call of the encoder; memory grows with it.
        workers: threads that read and prepare; None takes one per core.
        cache: a folder that keeps features between calls, under a hash of the dataset, the encoder and its
            preprocessing. An extraction that was stopped goes on there from its last finished part, and gives the same
            numbers to the bit. None keeps nothing.
        cluster: a Ray cluster whose workers make the parts (extra t2w[scale]); this process writes them. None: no.
        load: what gives a worker its encoder, called with `device`; None: a copy of `encoder`, where that is.

    Raises:
        T2WError: an image that cannot be read, an encoder that gives features of another shape than it says, or ones
            that are not finite; or no Ray there.
    """
    check_sizes(batch_size, workers)
    shape = (len(image_set), encoder.dim)
    kept = None if cache is None else FeatureCache.of(cache, encoder, image_set)
    features = None if kept is None else kept.read(shape)
    if features is None:
        parts = Parts(encoder, image_set.images, batch_size, workers)
        spans = list(parts.spans(_PART))
        missing = spans if kept is None else kept.missing(spans, batch_size, encoder.dim)
        matrix = torch.empty(shape if kept is None else (0, 0))
        with progress(f"features ({image_set.split})", total=shape[0], unit="image") as bar:
            bar.update(shape[0] - sum(stop - begin for begin, stop in missing))
            made = parts.here(missing, bar.update) if cluster is None else parts.on(cluster, missing, load, bar.update)
            with closing(made):
                for begin, rows in made:
                    if kept is None:
                        matrix[begin : begin + len(rows)] = rows
                    else:
                        kept.write_part(rows, begin, batch_size)
        features = matrix if kept is None else kept.join(spans, batch_size, shape)
    return FeatureSet(
        features=features,
        scale=None,
        labels=torch.as_tensor(image_set.labels, dtype=torch.int64),
        class_names=image_set.class_names,
        encoder=encoder.identity,
        preprocessing=encoder.preprocessing,
        split=image_set.split,
    )
