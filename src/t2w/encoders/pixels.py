"""The simplest vision encoder: the pixels themselves, standardised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
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

    Attributes:
        shape: height and width of every image.
        mean: one value per pixel, row by row.
        std: one positive value.
    """

    shape: tuple[int, int]
    mean: tuple[float, ...]
    std: float

    def __post_init__(self) -> None:
        if len(self.mean) != self.shape[0] * self.shape[1]:
            raise T2WError(f"{len(self.mean)} pixel means for images of {self.shape[0]}x{self.shape[1]}")
        if not (np.isfinite(self.mean).all() and np.isfinite(self.std) and self.std > 0):
            raise T2WError("the pixel constants are not finite, or their deviation is 0", expected="images that differ")

    @classmethod
    def fit(cls, images: np.ndarray | Sequence[np.ndarray]) -> PixelEncoder:
        """Fix the constants on training images, (N, H, W).

        Raises:
            T2WError: not grey images of one size, or images that are all the same.
        """
        pixels = _stacked(images, None)
        # Rounded, so that the last bit of a sum, which differs between machines, is not part of the identity.
        mean = tuple(round(float(v), 6) for v in pixels.mean(axis=0).ravel())
        std = round(float(np.sqrt(pixels.var(axis=0).mean())), 6)
        return cls(shape=pixels.shape[1:], mean=mean, std=std)

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
        """One image, (H, W), as its features (H * W,). Raises T2WError where it is of another size."""
        return self.encode([image])[0]

    def embed(self, batch: Tensor) -> Tensor:
        """The prepared pixels are the features: (B, H * W) float32 on the CPU."""
        import torch

        return batch.to("cpu", torch.float32)

    def encode(self, images: np.ndarray | Sequence[np.ndarray]) -> Tensor:
        """(N, H * W) float32. Raises T2WError where the images are of another size."""
        import torch

        pixels = _stacked(images, self.shape).reshape(len(images), self.dim)
        return torch.from_numpy(((pixels - np.array(self.mean)) / self.std).astype(np.float32))

    def to_dict(self) -> dict[str, Any]:
        return {**self._constants(), "identity": self.identity, "preprocessing": self.preprocessing}

    def _constants(self) -> dict[str, Any]:
        """What the identity is made of: kind, shape, mean, std."""
        return {"kind": "pixels", **asdict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PixelEncoder:
        """The inverse of `to_dict`, also after JSON. Raises T2WError where it is something else."""
        try:
            height, width = values["shape"]
            return cls((int(height), int(width)), tuple(float(v) for v in values["mean"]), float(values["std"]))
        except (KeyError, TypeError, ValueError) as error:
            raise T2WError(
                f"this describes no pixel encoder ({error})",
                expected="shape, mean and std",
                fix="extract the features again",
            ) from error


def _stacked(images: np.ndarray | Sequence[np.ndarray], shape: tuple[int, int] | None) -> np.ndarray:
    expected = "grey images of one size" if shape is None else f"grey images of {shape[0]}x{shape[1]}"
    if len(images) == 0:
        if shape is None:
            raise T2WError("there are no images", expected=expected)
        return np.empty((0, *shape))
    shapes = {np.shape(image) for image in images}
    if len(shapes) > 1 or len(found := shapes.pop()) != 2 or (shape is not None and found != shape):
        odd = next((s for s in (np.shape(image) for image in images) if s != shape), None)
        raise T2WError(f"an image has shape {odd}", expected=expected)
    return np.asarray(images, dtype=np.float64)
