"""What the embedded encoder learns from: images in memory, views of them, and the teacher's features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from t2w.encoders.embedded import MEAN, SIDE, STD
from t2w.errors import T2WError
from t2w.progress import track

if TYPE_CHECKING:
    from t2w.datasets import ImageSet
    from t2w.features import FeatureSet

__all__ = ["Views", "load_pixels", "standardised", "teacher_of"]


def load_pixels(images: ImageSet) -> Tensor:
    """(N, 64, 64, 3) uint8, decoded once.

    Raises:
        T2WError: an image of another size.
    """
    pixels = np.empty((len(images), SIDE, SIDE, 3), dtype=np.uint8)
    for row, image in enumerate(track(images.images, f"images ({images.split})", total=len(images), unit="image")):
        if image.shape != pixels.shape[1:]:
            raise T2WError(f"image {row} of {images.name!r} is {image.shape}", expected=f"{pixels.shape[1:]}")
        pixels[row] = image
    return torch.from_numpy(pixels)


def teacher_of(features: FeatureSet, images: ImageSet) -> Tensor:
    """(N, F) the teacher's features of the same images, in the same order.

    Raises:
        T2WError: features of other images.
    """
    if features.class_names != images.class_names or not np.array_equal(features.labels.numpy(), images.labels):
        raise T2WError(
            f"the teacher has features of {len(features)} images in another order than the {len(images)} images here",
            expected="features of the same training images, class by class",
        )
    return features.rows(torch.arange(len(features)))


@dataclass(frozen=True)
class Views:
    """Random views of a batch of images: flipped, moved, brighter or darker, with more or less contrast.

    Attributes:
        shift: pixels an image moves at most in each direction; the border is mirrored.
        light: brightness and contrast change by at most this share.
        erase: side of the square that is greyed out in half of the images; 0: none.
    """

    shift: int = 6
    light: float = 0.3
    erase: int = 0

    def __call__(self, pixels: Tensor, rows: Tensor, rng: torch.Generator) -> Tensor:
        """(B, 3, 64, 64) float32, standardised, in channels-last order, of the images at `rows`."""
        b = len(rows)
        offset = torch.randint(-self.shift, self.shift + 1, (2, b, 1), generator=rng)
        line = torch.arange(SIDE)
        vertical, horizontal = (_mirrored(line + move) for move in offset)
        flip = torch.rand(b, 1, generator=rng) < 0.5
        horizontal = torch.where(flip, horizontal.flip(1), horizontal)
        x = standardised(pixels[rows[:, None, None], vertical[:, :, None], horizontal[:, None, :]])
        gain, lift = 1 + self.light * (2 * torch.rand(2, b, 1, 1, 1, generator=rng) - 1)
        x = x * gain + (lift - 1) * 2
        if self.erase:
            corner = torch.randint(0, SIDE - self.erase + 1, (2, b, 1), generator=rng)
            inside = [(line >= c) & (line < c + self.erase) for c in corner]
            hit = inside[0][:, :, None] & inside[1][:, None, :] & (torch.rand(b, 1, 1, generator=rng) < 0.5)
            x = x.masked_fill(hit[:, None], 0.0)
        return x


def standardised(pixels: Tensor) -> Tensor:
    """(B, 64, 64, 3) uint8 to (B, 3, 64, 64) float32 in channels-last order."""
    x = pixels.permute(0, 3, 1, 2).float()
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    return (x / 255 - mean) / std


def _mirrored(position: Tensor) -> Tensor:
    position = position.abs()
    return torch.where(position >= SIDE, 2 * SIDE - 2 - position, position)
