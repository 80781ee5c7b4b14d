"""What the rest of the house asks of an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["TextEncoder", "VisionEncoder"]


@runtime_checkable
class TextEncoder(Protocol):
    """Frozen; turns texts into unit vectors."""

    @property
    def identity(self) -> str:
        """Name and weights: two encoders with one identity give the same vectors."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def logit_scale(self) -> float | None:
        """The factor on cosines the model was trained with (CLIP: 100); None where it has none."""

    def encode(self, texts: Sequence[str]) -> Tensor:
        """(len(texts), dim) float32 on the CPU, L2-normalised."""


@runtime_checkable
class VisionEncoder(Protocol):
    """Frozen; turns images into features.

    `encode` is `embed`, work for one device, of the stacked images that many threads `prepare`.
    """

    @property
    def identity(self) -> str:
        """Name and weights: two encoders with one identity and preprocessing give the same features."""

    @property
    def preprocessing(self) -> str:
        """Hash of everything done to an image before the network."""

    @property
    def dim(self) -> int:
        """Number of features of an image."""

    @property
    def min_side(self) -> int | None:
        """A file may be decoded smaller while its shorter side has this many pixels; None: decode images whole."""

    def prepare(self, image: np.ndarray) -> Tensor:
        """One image, (H, W) or (H, W, 3) uint8, as the network takes it: float32, (3, h, w) or (D,). Thread-safe."""

    def embed(self, batch: Tensor) -> Tensor:
        """(B, dim) float32 on the CPU, from B prepared images in a tensor."""

    def encode(self, images: np.ndarray | Sequence[np.ndarray]) -> Tensor:
        """(len(images), dim) float32 on the CPU; images are (H, W) or (H, W, 3) uint8."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: "kind", "identity", "preprocessing", and what is needed to get the encoder back."""
