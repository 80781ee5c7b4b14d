"""From images to features, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

from t2w.errors import T2WError
from t2w.features.feature_set import FeatureSet
from t2w.progress import progress

if TYPE_CHECKING:
    from t2w.datasets import ImageSet
    from t2w.encoders import VisionEncoder

__all__ = ["extract"]


def extract(encoder: VisionEncoder, image_set: ImageSet, *, batch_size: int = 256) -> FeatureSet:
    """The features of all images of a split, float32, in the images' order.

    Args:
        encoder: a frozen vision encoder.
        image_set: images with labels; they are read a batch at a time.
        batch_size: images per call of the encoder; memory grows with it.

    Raises:
        T2WError: the encoder gives features of another shape than it says, or ones that are not finite.
    """
    if batch_size < 1:
        raise T2WError(f"batch_size is {batch_size}", expected="1 or more")
    n = len(image_set)
    features = torch.empty(n, encoder.dim)
    with progress(f"features ({image_set.split})", total=n, unit="image") as bar:
        for start in range(0, n, batch_size):
            part = encoder.encode(image_set.images[start : start + batch_size])
            size = min(batch_size, n - start)
            if tuple(part.shape) != (size, encoder.dim):
                raise T2WError(
                    f"{encoder.identity} gave features of shape {tuple(part.shape)}",
                    expected=f"({size}, {encoder.dim})",
                )
            features[start : start + size] = part
            bar.update(size)
    split: Literal["train", "test"] = image_set.split
    return FeatureSet(
        features=features,
        scale=None,
        labels=torch.as_tensor(image_set.labels, dtype=torch.int64),
        class_names=image_set.class_names,
        encoder=encoder.identity,
        preprocessing=encoder.preprocessing,
        split=split,
    )
