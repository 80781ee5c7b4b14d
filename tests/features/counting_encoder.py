"""A vision encoder that counts its calls, and can break off like a machine that is switched off."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from t2w.datasets import ImageSet


class SwitchedOff(Exception):
    """Nothing that a program expects."""


@dataclass
class CountingEncoder:
    """Features are the means of rows and columns times a fixed matrix."""

    identity: str = "counting@1"
    preprocessing: str = "halves"
    dim: int = 5
    min_side: int | None = None
    breaks_after: int | None = None  # calls of embed
    slow_seconds: float = 0.0
    embedded: int = 0
    prepared: int = 0
    most_ahead: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def prepare(self, image: np.ndarray) -> Tensor:
        with self.lock:
            self.prepared += 1
            self.most_ahead = max(self.most_ahead, self.prepared - self.embedded)
        pixels = torch.from_numpy(image.astype(np.float32) / 255)
        return torch.cat([pixels.mean(0), pixels.mean(1)])

    def embed(self, batch: Tensor) -> Tensor:
        if self.breaks_after is not None and self.embedded >= self.breaks_after:
            raise SwitchedOff
        time.sleep(self.slow_seconds)
        matrix = torch.randn(batch.shape[1], self.dim, generator=torch.Generator().manual_seed(0))
        with self.lock:
            self.embedded += len(batch)
        return batch @ matrix

    def encode(self, images: np.ndarray | Sequence[np.ndarray]) -> Tensor:
        return self.embed(torch.stack([self.prepare(image) for image in images]))

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "counting", "identity": self.identity, "preprocessing": self.preprocessing}


def dots(n: int = 70, *, seed: int = 0) -> ImageSet:
    """Random grey images of 6x7 in two classes."""
    images = np.random.default_rng(seed).integers(0, 256, (n, 6, 7), dtype=np.uint8)
    return ImageSet(images, np.arange(n, dtype=np.int64) % 2, ("a", "b"), "train", "dots", "-", "-")
