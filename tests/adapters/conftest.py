"""A small world of features: twenty classes, some of them larger than others, and texts for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters import Adapter, AdapterSpec
from t2w.features import FeatureSet

SPEC = AdapterSpec(in_features=12, hidden=5, out_features=9, logit_scale=10.0)
CLASSES = 20


@dataclass(frozen=True)
class World:
    """Everything that adapters are trained and measured on.

    Attributes:
        train, test: images of 20 classes, class c having 10 + c training images in shuffled order.
        text: (20, out) unit texts.
        base: (P,) float32, an untrained adapter.
        tasks: 12 tasks of 2 to 19 classes.
    """

    spec: AdapterSpec
    train: FeatureSet
    test: FeatureSet
    text: Tensor
    base: Tensor
    tasks: list[list[int]]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Operations this small lose by being split, badly so where the cores are shared."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


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
