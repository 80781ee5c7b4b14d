"""Vision encoders that are a preprocessing and a network."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from t2w.encoders.preprocessing import Preprocessing
from t2w.encoders.protocols import VisionEncoder

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["PreparedEncoder"]

_BATCH = 64  # images of one call of `encode` that are in memory together


class PreparedEncoder(VisionEncoder):
    """What of a vision encoder follows from a preprocessing and a network."""

    kind: str
    device: torch.device | str
    _preprocessing: Preprocessing
    _together: int | None = None  # images the network takes at once; None: the whole batch

    @property
    @abstractmethod
    def network(self) -> Callable[[Tensor], Tensor]:
        """(B, 3, h, w) on `device` to (B, dim) there; loaded when it is first asked for."""

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
        return self._preprocessing(image)

    def embed(self, batch: Tensor) -> Tensor:
        import torch

        with torch.inference_mode():
            parts = batch.split(self._together or max(len(batch), 1))
            features = torch.cat([self.network(part.to(self.device)) for part in parts])
        # A copy, because tensors made in inference mode cannot be used in training.
        return features.to("cpu", torch.float32).clone()

    def encode(self, images: np.ndarray | Sequence[np.ndarray]) -> Tensor:
        import torch

        if len(images) == 0:
            return torch.empty(0, self.dim)
        parts = [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]
        return torch.cat([self.embed(torch.stack([self.prepare(image) for image in part])) for part in parts])

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "identity": self.identity, "preprocessing": self.preprocessing}
