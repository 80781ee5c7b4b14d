"""What `adapters.py` trains on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters import AdapterSpec, train_base
from t2w.errors import T2WError
from t2w.features import FeatureSet, load_features

SEEN = 160
FILE = "tiny-imagenet-200-features.safetensors"


@dataclass(frozen=True)
class World:
    """What all ways train on: features, class texts (C, 384), a base adapter (P,)."""

    spec: AdapterSpec
    train: FeatureSet
    test: FeatureSet
    text: Tensor
    base: Tensor


def load(steps: int) -> World:
    """The features of ../shared/data, or of the file or folder that T2W_DATA names; else synthetic ones.

    Args:
        steps: of the base adapter's training.
    """
    place = Path(os.environ.get("T2W_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    path = place / FILE if place.is_dir() else place
    train, test = load_features(path) if path.is_file() else synthetic()
    text = texts(train.class_names)
    spec = AdapterSpec(train.dim, 16, text.shape[1], 20.0)
    print(f"features: {path if path.is_file() else 'synthetic'}, {len(train):,} x {train.dim}, {train.features.dtype}")
    base = train_base(spec, train, text, classes=range(min(SEEN, len(text))), steps=steps).vector
    return World(spec, train, test, text, base)


def synthetic() -> tuple[FeatureSet, FeatureSet]:
    """200 overlapping clouds, as many and as large as the real features."""
    generator = torch.Generator().manual_seed(0)
    centres = 0.35 * torch.randn(200, 512, generator=generator)

    def split(name: str, each: int) -> FeatureSet:
        labels = torch.arange(200).repeat_interleave(each)
        rows = centres[labels] + torch.randn(len(labels), 512, generator=generator)
        stored = (rows * 25).round().clamp(-127, 127).to(torch.int8)
        names = tuple(f"class {c}" for c in range(200))
        return FeatureSet(stored, torch.full((512,), 0.04), labels, names, "synthetic", "none", name)  # type: ignore[arg-type]

    return split("train", 250), split("test", 50)


def texts(names: Sequence[str]) -> Tensor:
    """MiniLM's embeddings of "a photo of a <name>"; random directions where it is not installed."""
    try:
        from t2w.encoders import minilm

        return minilm().encode([f"a photo of a {name}" for name in names])
    except (T2WError, ImportError) as error:
        print(f"class texts: random directions ({error})")
        return F.normalize(torch.randn(len(names), 384, generator=torch.Generator().manual_seed(1)), dim=-1)


def draw(count: int, world: World) -> list[list[int]]:
    """Tasks of 8 to 31 of the seen classes."""
    classes = min(SEEN, len(world.text))
    generator = torch.Generator().manual_seed(2)
    sizes = torch.randint(8, 32, (count,), generator=generator).tolist()
    return [torch.randperm(classes, generator=generator)[:size].tolist() for size in sizes]
