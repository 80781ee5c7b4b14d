"""What the benchmarks of photographs share: JPEG files they make themselves, and a classifier of random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from t2w import Classifier
from t2w.adapters import AdapterSpec
from t2w.datasets.folder import load_whole_folder
from t2w.encoders import VisionEncoder
from t2w.features import FeatureSet, extract

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


def features_of(photos: str | Path, encoder: VisionEncoder) -> FeatureSet:
    """The features of a folder (or zip) of class folders, kept for the next call; `class_names` are the folders'."""
    return extract(encoder, load_whole_folder(Path(photos)), cache=Path("~/.cache/t2w/features").expanduser())


def random_classifier(encoder: VisionEncoder, path: Path) -> None:
    """Write a classifier of ten classes with random weights, one hidden unit per class."""
    spec, rng = AdapterSpec(encoder.dim, len(CLASSES), 384, 20.0), torch.Generator().manual_seed(0)
    weights = torch.randn(1, spec.size, generator=rng) / 20
    text = F.normalize(torch.randn(len(CLASSES), 384, generator=rng), dim=-1)
    Classifier(spec, weights, text, CLASSES, CLASSES, encoder.to_dict()).save(path)
