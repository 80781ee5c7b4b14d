"""A classifier on a tiny network, whose class names are as awkward as names can be."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from t2w import Classifier
from t2w.adapters import AdapterSpec
from t2w.concepts.surety import NoneRule
from t2w.encoders.head import ClassifierHead
from t2w.encoders.prepared import PreparedEncoder
from t2w.encoders.preprocessing import Preprocessing
from t2w.export.agreement import made_up

NAMES = ("a \"quoted\" one, 'too'", "naïve\nçafé \u2028 猫", "</script><img src=x onerror=document.title='bad'>")
KNOWN = tuple(f"thing {k}" for k in range(6))
SIDE, FEATURES = 16, 8


class TinyEncoder(PreparedEncoder):
    """A convolution, its mean and greatest over places; random weights."""

    identity, dim = "tiny@1", FEATURES
    _batch_size = 8
    _preprocessing = Preprocessing(resize=SIDE, crop=(SIDE, SIDE), mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))

    @cached_property
    def network(self) -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(1)
            layers = nn.Conv2d(3, 16, 3, 2), nn.ReLU6(), nn.Conv2d(16, FEATURES, 3), nn.AdaptiveAvgPool2d(1)
        return nn.Sequential(*layers, nn.Flatten()).eval().requires_grad_(False)

    def embed(self, batch: Tensor) -> Tensor:
        return self.network(batch)

    def head(self) -> ClassifierHead:
        rows = torch.randn(len(KNOWN), FEATURES, generator=torch.Generator().manual_seed(2))
        return ClassifierHead(rows, torch.zeros(len(KNOWN)), KNOWN)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "tiny", "identity": self.identity, "preprocessing": self.preprocessing}


def on(encoder: Any, *, names: tuple[str, ...] = NAMES, rule: bool = False, samples: int = 2) -> Classifier:
    """A classifier of random adapters on an encoder."""
    spec = AdapterSpec(encoder.dim, 3, 4, 8.0)
    draw = torch.Generator().manual_seed(3)
    weights, text = torch.randn(samples, spec.size, generator=draw), torch.randn(len(names), 4, generator=draw)
    none = NoneRule(0.0, torch.eye(encoder.dim)[:1]) if rule else None
    found = Classifier(spec, weights, text, names, names, encoder.to_dict(), none_rule=none)
    found.__dict__["encoder"] = encoder  # in the place of one that is looked for
    return found


def photographs(folder: Path, number: int = 12) -> list[Path]:
    """Made-up pictures of several sizes."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{i}.png" for i in range(number)]
    for i, file in enumerate(files):
        Image.fromarray(made_up(1, (20 + 3 * i, 50 - i, 3), seed=i)[0]).save(file)
    return files
