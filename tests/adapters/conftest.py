"""A small world of features: twenty classes, some of them larger than others, and texts for them."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from adapter_world import CLASSES, SPEC, World
from torch import Tensor

from t2w.adapters import Adapter
from t2w.features import FeatureSet


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """For every test here."""


def features(counts: list[int], centres: Tensor, split: str, generator: torch.Generator) -> FeatureSet:
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    labels = labels[torch.randperm(len(labels), generator=generator)]
    values = centres[labels] + 0.7 * torch.randn(len(labels), centres.shape[1], generator=generator)
    names = tuple(f"class {c}" for c in range(len(counts)))
    return FeatureSet(values, None, labels, names, "synthetic", "none", split)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def world() -> World:
    generator = torch.Generator().manual_seed(7)
    centres = torch.randn(CLASSES, SPEC.in_features, generator=generator)
    text = F.normalize(torch.randn(CLASSES, SPEC.out_features, generator=generator), dim=-1)
    sizes = [2, 3, 5, 8, 9, 12, 16, 17, 19, 4, 7, 11]
    return World(
        spec=SPEC,
        train=features([10 + c for c in range(CLASSES)], centres, "train", generator),
        test=features([4] * CLASSES, centres, "test", generator),
        text=text,
        base=Adapter(SPEC, generator=generator).vector(),
        tasks=[torch.randperm(CLASSES, generator=generator)[:size].tolist() for size in sizes],
    )
