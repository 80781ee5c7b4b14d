"""Vision encoders that are a preprocessing and a network, and those whose weights come in a package."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from t2w.encoders.packaged import PackagedFile
from t2w.encoders.preprocessing import Preprocessing
from t2w.errors import T2WError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

__all__ = ["PackagedEncoder", "PreparedEncoder"]

_BATCH = 64  # images of one call of `encode` that are in memory together


class PreparedEncoder(ABC):
    """What of the VisionEncoder protocol follows from a preprocessing and a network."""

    kind: str
    device: torch.device | str
    _preprocessing: Preprocessing
    _together: int | None = None  # images the network takes at once; None: the whole batch

    @property
    @abstractmethod
    def identity(self) -> str:
        """Name and weights."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """Number of features of an image."""

    @property
    @abstractmethod
    def network(self) -> Callable[[Tensor], Tensor]:
        """(B, 3, h, w) on `device` to (B, dim) there; loaded when it is first asked for."""

    @property
    def preprocessing(self) -> str:
        return self._preprocessing.hash

    @property
    def min_side(self) -> int | None:
        return self._preprocessing.min_side

    def prepare(self, image: np.ndarray) -> Tensor:
        """One image, (H, W) or (H, W, 3) uint8, to (3, h, w) float32."""
        return self._preprocessing(image)

    def embed(self, batch: Tensor) -> Tensor:
        """(B, dim) float32 on the CPU, from (B, 3, h, w). Raises T2WError where the network cannot be loaded."""
        import torch

        with torch.inference_mode():
            parts = batch.split(self._together or max(len(batch), 1))
            features = torch.cat([self.network(part.to(self.device)) for part in parts])
        # A copy, because tensors made in inference mode cannot be used in training.
        return features.to("cpu", torch.float32).clone()

    def encode(self, images: np.ndarray | Sequence[np.ndarray]) -> Tensor:
        """(N, dim) float32 on the CPU."""
        import torch

        if len(images) == 0:
            return torch.empty(0, self.dim)
        parts = [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]
        return torch.cat([self.embed(torch.stack([self.prepare(image) for image in part])) for part in parts])

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "identity": self.identity, "preprocessing": self.preprocessing}


class PackagedEncoder(PreparedEncoder):
    """A frozen network whose weights come in a package of the Python package index.

    A new one sets `kind`, `weights`, `dim` and `_preprocessing`, says how its network is built, and has a line in
    `PACKAGED` of `t2w.encoders.registry`. With a `head()` that gives a `ClassifierHead` it knows classes by name; with
    `network.maps(x)`, (B, dim, h, w) whose mean over places are the features, `t2w inspect` shows where they come from.

    Args:
        path: the published weights; None finds them in the package that carries them.
        device: where it runs; features come back on the CPU.

    Raises:
        T2WError: the package is missing, or is not the published one.
    """

    weights: PackagedFile

    def __init__(self, path: str | Path | None = None, *, device: torch.device | str = "cpu") -> None:
        self.path, self.device = self.weights.find() if path is None else Path(path), device

    @abstractmethod
    def build(self, published: Mapping[str, Tensor]) -> nn.Module:
        """The network with these weights; it is frozen and moved to the device elsewhere."""

    @property
    def identity(self) -> str:
        """Kind and the start of the weights' SHA-256."""
        return f"{self.kind}@{self.weights.sha256[:16]}"

    @cached_property
    def network(self) -> nn.Module:
        return self.build(self.published).eval().requires_grad_(False).to(self.device)

    @cached_property
    def published(self) -> Mapping[str, Tensor]:
        """The weights as the file has them."""
        import torch

        try:
            tensors: dict[str, Tensor] = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:  # a file that is no checkpoint raises nearly anything
            raise T2WError(
                f"{self.path} holds no weights ({error})", expected=f"those of {self.weights.requirement}"
            ) from error
        return tensors
