"""What the benchmarks of photographs share: JPEG files they make themselves, and a classifier of random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from t2w import Classifier
from t2w.adapters import AdapterSpec
from t2w.encoders import VisionEncoder

CLASSES = ("cat", "school bus", "pizza", "banana", "lemon", "umbrella", "tractor", "sandal", "teapot", "violin")


def make_jpegs(folder: Path, count: int, side: int) -> list[Path]:
    """Square JPEGs, as smooth and as noisy as photographs are, spread over one folder per class."""
    rng = np.random.default_rng(0)
    paths = []
    for i in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((side, side), 3)
        pixels = np.asarray(coarse, dtype=np.int16) + rng.integers(-12, 13, (side, side, 3), dtype=np.int16)
        path = folder / CLASSES[i % len(CLASSES)] / f"{i:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, quality=90)
        paths.append(path)
    return paths


def random_classifier(encoder: VisionEncoder, path: Path) -> None:
    """Write a classifier of ten classes with random weights, one hidden unit per class."""
    spec, rng = AdapterSpec(encoder.dim, len(CLASSES), 384, 20.0), torch.Generator().manual_seed(0)
    weights = torch.randn(1, spec.size, generator=rng) / 20
    text = F.normalize(torch.randn(len(CLASSES), 384, generator=rng), dim=-1)
    Classifier(spec, weights, text, CLASSES, CLASSES, encoder.to_dict()).save(path)
