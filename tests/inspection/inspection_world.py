"""A made-up encoder that sees three colours in a grid of places, and a classifier with one hidden unit for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from t2w import Classifier
from t2w.adapters import AdapterSpec, flatten
from t2w.encoders.head import ClassifierHead

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
SIDE, CELL = 32, 8


class Places(nn.Module):
    """(B, 3, 32, 32) to maps (B, 3, 4, 4): the mean colour of each cell."""

    def maps(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, CELL)


class ColourPlaces:
    """Features are the mean over the cells; four things are known by name."""

    identity, preprocessing, dim, min_side = "colour-places@1", "none", 3, None
    network = Places()

    def prepare(self, image: np.ndarray) -> Tensor:
        return torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)

    def embed(self, batch: Tensor) -> Tensor:
        return self.network.maps(batch).mean(dim=(2, 3))

    def encode(self, images: np.ndarray | Sequence[np.ndarray]) -> Tensor:
        return self.embed(torch.stack([self.prepare(image) for image in images]))

    def head(self) -> ClassifierHead:
        rows = torch.tensor([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0], [-1.0, -1.0, -1.0]])
        return ClassifierHead(rows, torch.zeros(4), ("ruby", "emerald, gem", "sapphire", "coal"))

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "colour-places", "identity": self.identity, "preprocessing": self.preprocessing}


class Blind(ColourPlaces):
    """The same without maps and without a last layer."""

    network = None
    head = None

    def __getattribute__(self, name: str) -> Any:
        if name == "head":
            raise AttributeError(name)
        return super().__getattribute__(name)


def from_dict(values: Mapping[str, Any], *, source: object = None, device: object = "cpu") -> ColourPlaces:
    """In the place of `vision_encoder_from_dict`."""
    assert values == ColourPlaces().to_dict()
    return ColourPlaces()


def colour_classifier(*, known: bool = True, gain: float = 5.0, hidden: int = 3) -> Classifier:
    """Of three colours; `known=False` as files were before evidence."""
    spec = AdapterSpec(3, hidden, 3, 5.0)
    weights = {
        "linear1.weight": gain * torch.eye(hidden, 3),
        "linear1.bias": torch.zeros(hidden),
        "linear2.weight": torch.eye(3, hidden),
        "linear2.bias": torch.zeros(3),
    }
    names = tuple(COLOURS)
    provenance = {"known_by": ["known", "2 known kinds", "map"]} if known else {}
    return Classifier(
        spec, flatten(spec, weights)[None], torch.eye(3), names, tuple(f"{name}: a colour" for name in names),
        ColourPlaces().to_dict(), provenance,
    )  # fmt: skip


def paint(path: Path, patches: Mapping[str, tuple[int, int]], *, ground: int = 0) -> Path:
    """A 32 x 32 picture with coloured cells at (row, column) of the grid."""
    pixels = np.full((SIDE, SIDE, 3), ground, dtype=np.uint8)
    for name, (row, column) in patches.items():
        pixels[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL] = COLOURS[name]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path
