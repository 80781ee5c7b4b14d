"""Small features with the shape of the real ones."""

from __future__ import annotations

import torch

from t2w.features import FeatureSet

NAMES = ("ant", "bee", "cow", "dog")


def make_features(split: str, *, dtype: torch.dtype = torch.float32, per_class: int = 5) -> FeatureSet:
    generator = torch.Generator().manual_seed(len(split))
    n, dim = per_class * len(NAMES), 6
    rows = torch.randint(-127, 128, (n, dim), generator=generator)
    quantised = dtype == torch.int8
    return FeatureSet(
        features=rows.to(torch.int8) if quantised else (rows / 64).to(dtype),
        scale=torch.linspace(0.01, 0.06, dim) if quantised else None,
        labels=torch.arange(len(NAMES)).repeat(per_class),
        class_names=NAMES,
        encoder="made-up@1",
        preprocessing="none",
        split=split,  # type: ignore[arg-type]
    )
