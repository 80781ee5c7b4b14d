"""The type of the small world that the adapters' tests share."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from t2w.adapters import AdapterSpec
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
