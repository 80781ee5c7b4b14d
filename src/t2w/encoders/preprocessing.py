"""What is done to an image before a network sees it, in numbers: one value of this class, one way of doing it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from t2w.errors import T2WError
from t2w.files import fingerprint

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

__all__ = ["Preprocessing", "Resample"]

Resample = Literal["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"]
"""Pillow's filters, in the order of their numbers."""

_DRAFT = 2
"""How much larger than its target an image must stay when its file is decoded smaller: as Pillow's thumbnails do."""

_LONGEST = 32
"""Images with longer sides, relative to the shorter one, are cut before they are resized."""


@dataclass(frozen=True)
class Preprocessing:
    """Resize, cut out the middle, scale and standardise, in this order, with Pillow.

    Attributes:
        resize: the shorter side after resizing, (height, width), or None to leave the size as it is.
        crop: (height, width) cut out of the middle, black where the image is smaller; None to leave that out.
        resample: Pillow's filter.
        rescale: factor on the values 0 to 255.
        mean: subtracted from the rescaled values, one per channel.
        std: divided by afterwards, one per channel.

    Raises:
        T2WError: sizes that are not positive, a deviation of 0.
    """

    resize: int | tuple[int, int] | None
    crop: tuple[int, int] | None
    resample: Resample = "bicubic"
    rescale: float = 1 / 255
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        resized = (self.resize,) if isinstance(self.resize, int) else self.resize or ()
        sides = [*resized, *(self.crop or ())]
        if any(side < 1 for side in sides):
            raise T2WError(f"the image is to become {self.resize}, cut to {self.crop}", expected="sides of 1 or more")
        if len(self.mean) != 3 or len(self.std) != 3 or not all(np.isfinite(s) and s > 0 for s in self.std):
            raise T2WError(
                f"the pixel mean is {self.mean} and the deviation {self.std}", expected="three numbers, positive"
            )

    def __call__(self, image: np.ndarray) -> Tensor:
        """One image, (H, W) or (H, W, 3) uint8, as (3, h, w) float32; T2WError at another array. Thread-safe."""
        import torch

        pixels = np.asarray(self._cut(_picture(image)))
        out = np.empty((3, *pixels.shape[:2]), dtype=np.float32)
        for channel in range(3):
            # mode="clip" spares a buffer; a byte is never outside the table.
            np.take(self._values[channel], pixels[..., channel], out=out[channel], mode="clip")
        return torch.from_numpy(out)

    def _cut(self, picture: Image.Image) -> Image.Image:
        from PIL import Image

        if isinstance(self.resize, int) and self.crop is not None:
            picture = _middle(picture)
        width, height = picture.size
        if self.resize is not None:
            if isinstance(self.resize, int):
                long = int(self.resize * max(width, height) / min(width, height))
                width, height = (self.resize, long) if width <= height else (long, self.resize)
            else:
                height, width = self.resize
            picture = picture.resize((width, height), getattr(Image.Resampling, self.resample.upper()))
        if self.crop is not None:
            top, left = (height - self.crop[0]) // 2, (width - self.crop[1]) // 2
            picture = picture.crop((left, top, left + self.crop[1], top + self.crop[0]))
        return picture

    @cached_property
    def _values(self) -> np.ndarray:
        """(3, 256) float32: what each byte of each channel becomes, rounded as the models' own processors do."""
        scaled = (np.arange(256, dtype=np.float64) * self.rescale).astype(np.float32)
        mean, std = np.array(self.mean, dtype=np.float32), np.array(self.std, dtype=np.float32)
        return (scaled - mean[:, None]) / std[:, None]

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) of every prepared image; None where it depends on the image."""
        return self.crop if self.crop is not None else self.resize if isinstance(self.resize, tuple) else None

    @property
    def min_side(self) -> int | None:
        """The shorter side an image file may be decoded down to; None where it must be decoded whole."""
        if self.resize is None:
            return None
        return _DRAFT * (self.resize if isinstance(self.resize, int) else max(self.resize))

    @property
    def hash(self) -> str:
        """16 hex digits: equal hashes, equal preprocessing."""
        return fingerprint(asdict(self))


def _middle(picture: Image.Image) -> Image.Image:
    """Of a very long image the middle part, which alone is cut out later: a line of pixels would grow to gigabytes."""
    width, height = picture.size
    if max(width, height) <= _LONGEST * min(width, height):
        return picture
    box_width, box_height = min(width, _LONGEST * height), min(height, _LONGEST * width)
    left, top = (width - box_width) // 2, (height - box_height) // 2
    return picture.crop((left, top, left + box_width, top + box_height))


def _picture(image: np.ndarray) -> Image.Image:
    from PIL import Image

    colours = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if image.dtype != np.uint8 or not colours or 0 in image.shape:
        raise T2WError(
            f"an image has shape {tuple(image.shape)} and type {image.dtype}",
            expected="(H, W) or (H, W, 3) uint8",
            fix="read files with t2w.images.read_image",
        )
    picture = Image.fromarray(np.ascontiguousarray(image))
    return picture if image.ndim == 3 else picture.convert("RGB")
