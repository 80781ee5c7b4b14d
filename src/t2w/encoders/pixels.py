"""The simplest vision encoder: the pixels themselves, standardised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from t2w.errors import T2WError
from t2w.files import fingerprint

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PixelEncoder"]


@dataclass(frozen=True)
class PixelEncoder:
    """Features = (pixels - mean) / std, with constants fixed on training images.

    The mean is taken per pixel, the standard deviation over all of them. A deviation per pixel would blow up the
    corners of a digit, which hold ink in one image of a thousand; with one deviation, a pixel that never varied in
    training stays near 0, contrast between pixels is kept, and the features have overall deviation 1.

    A picture, which has three channels, is no image of the data set: its middle square is made grey and as small as
    `shape`, white becomes `white`, and it is turned into its negative where its border is then nearer to theirs. So
    ink on paper is read by an encoder of bright strokes on black.

    Attributes:
        shape: height and width of every image.
        mean: one value per pixel, row by row.
        std: one positive value.
        white: the value of a fully lit pixel; None where that is not known, and pictures are refused. Not part of the
            identity: the features of the data set's own images do not depend on it.
    """

    shape: tuple[int, int]
    mean: tuple[float, ...]
    std: float
    white: int | None = None

    def __post_init__(self) -> None:
        if len(self.mean) != self.shape[0] * self.shape[1]:
            raise T2WError(f"{len(self.mean)} pixel means for images of {self.shape[0]}x{self.shape[1]}")
        if not (np.isfinite(self.mean).all() and np.isfinite(self.std) and self.std > 0):
            raise T2WError("the pixel constants are not finite, or their deviation is 0", expected="images that differ")

    @classmethod
    def fit(cls, images: np.ndarray | Sequence[np.ndarray], *, white: int | None = None) -> PixelEncoder:
        """Fix the constants on training images, (N, H, W), whose fully lit pixels are `white`.

        Raises T2WError where they are not grey images of one size, or are all the same.
        """
        pixels = _stacked(images, None)
        # Rounded, so that the last bit of a sum, which differs between machines, is not part of the identity.
        mean = tuple(round(float(v), 6) for v in pixels.mean(axis=0).ravel())
        std = round(float(np.sqrt(pixels.var(axis=0).mean())), 6)
        return cls(shape=pixels.shape[1:], mean=mean, std=std, white=white)

    @property
    def identity(self) -> str:
        return f"pixels-{self.shape[0]}x{self.shape[1]}@{self.preprocessing}"

    @property
    def preprocessing(self) -> str:
        return fingerprint(self._constants())

    @property
    def dim(self) -> int:
        return len(self.mean)

    @property
    def min_side(self) -> int | None:
        return None  # every pixel counts

    def prepare(self, image: np.ndarray) -> Tensor:
        """One image (H, W), or any picture (h, w, 3), as its features (H * W,). Raises T2WError at another size."""
        return self.encode([image])[0]

    def embed(self, batch: Tensor) -> Tensor:
        """The prepared pixels are the features: (B, H * W) float32 on the CPU."""
        import torch

        return batch.to("cpu", torch.float32)

    def encode(self, images: np.ndarray | Sequence[np.ndarray]) -> Tensor:
        """(N, H * W) float32, of images and pictures. Raises T2WError where images are of another size."""
        import torch

        own = [self._of_picture(image) if np.ndim(image) == 3 else image for image in images]
        pixels = _stacked(own, self.shape).reshape(len(images), self.dim)
        return torch.from_numpy(((pixels - np.array(self.mean)) / self.std).astype(np.float32))

    def _of_picture(self, picture: np.ndarray) -> np.ndarray:
        """A picture (h, w, 3) uint8 as an image of the data set, float64."""
        from PIL import Image

        if self.white is None or picture.shape[2] != 3 or picture.dtype != np.uint8 or 0 in picture.shape:
            raise T2WError(
                f"an image has shape {picture.shape}",
                expected=f"grey images of {self.shape[0]}x{self.shape[1]}",
                fix="generate the classifier again from a run of this version, which takes pictures of any size"
                if self.white is None
                else None,
            )
        height, width = picture.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        grey = Image.fromarray(picture[top : top + side, left : left + side]).convert("L")
        small = grey.resize(self.shape[::-1], Image.Resampling.BOX)
        pixels = np.asarray(small, dtype=np.float64) * (self.white / 255)
        border = np.ones(self.shape, dtype=bool)
        border[1:-1, 1:-1] = False
        expected = np.reshape(self.mean, self.shape)[border].mean()
        negative = self.white - pixels
        nearer = abs(negative[border].mean() - expected) < abs(pixels[border].mean() - expected)
        return negative if nearer else pixels

    def to_dict(self) -> dict[str, Any]:
        own = {"white": self.white, "identity": self.identity, "preprocessing": self.preprocessing}
        return {**self._constants(), **own}

    def _constants(self) -> dict[str, Any]:
        """What the identity is made of: kind, shape, mean, std."""
        return {"kind": "pixels", "shape": self.shape, "mean": self.mean, "std": self.std}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PixelEncoder:
        """The inverse of `to_dict`, also after JSON. Raises T2WError where it is something else."""
        try:
            height, width = map(int, values["shape"])
            white = values.get("white")  # runs of earlier versions do not say it
            return cls((height, width), tuple(map(float, values["mean"])), float(values["std"]), white and int(white))
        except (KeyError, TypeError, ValueError) as error:
            fix = "extract the features again"
            raise T2WError(
                f"this describes no pixel encoder ({error})", expected="shape, mean and std", fix=fix
            ) from error


def _stacked(images: np.ndarray | Sequence[np.ndarray], shape: tuple[int, int] | None) -> np.ndarray:
    """(N, H, W) float64. Raises T2WError unless all images are grey and of `shape`, or of any one where it is None."""
    expected = "grey images of one size" if shape is None else f"grey images of {shape[0]}x{shape[1]}"
    if len(images) == 0:
        if shape is None:
            raise T2WError("there are no images", expected=expected)
        return np.empty((0, *shape))
    first = np.shape(images[0])
    wanted = shape or (first if len(first) == 2 else None)
    odd = next((np.shape(image) for image in images if np.shape(image) != wanted), None)
    if odd is not None:
        raise T2WError(f"an image has shape {odd}", expected=expected)
    return np.asarray(images, dtype=np.float64)
