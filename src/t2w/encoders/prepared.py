"""What image networks have in common: a preprocessing of their own, and batches of what it gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from t2w.encoders.preprocessing import Preprocessing

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PreparedEncoder"]


class PreparedEncoder(ABC):
    """The half of the VisionEncoder protocol that follows from `_preprocessing` and `embed`."""

    _preprocessing: Preprocessing
    _batch_size: int  # images per call of the network in `encode`

    @property
    @abstractmethod
    def dim(self) -> int:
        """Number of features of an image."""

    @abstractmethod
    def embed(self, batch: Tensor) -> Tensor:
        """(B, dim) float32 on the CPU, from (B, 3, h, w)."""

    @property
    def preprocessing(self) -> str:
        return self._preprocessing.hash

    @property
    def preparation(self) -> Preprocessing:
        """What is done to an image before the network, whose hash `preprocessing` is."""
        return self._preprocessing

    @property
    def min_side(self) -> int | None:
        return self._preprocessing.min_side

    def prepare(self, image: np.ndarray) -> Tensor:
        """One image, (H, W) or (H, W, 3) uint8, to (3, h, w) float32."""
        return self._preprocessing(image)

    def encode(self, images: np.ndarray | Sequence[np.ndarray]) -> Tensor:
        """(N, dim) float32 on the CPU."""
        import torch

        if len(images) == 0:
            return torch.empty(0, self.dim)
        parts = [images[start : start + self._batch_size] for start in range(0, len(images), self._batch_size)]
        return torch.cat([self.embed(torch.stack([self.prepare(image) for image in part])) for part in parts])
