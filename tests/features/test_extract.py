from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from t2w.datasets import ImageSet, load_digits
from t2w.encoders import PixelEncoder
from t2w.errors import T2WError
from t2w.features import extract


def test_batches_do_not_change_features() -> None:
    train, test = load_digits()
    encoder = PixelEncoder.fit(train.images)
    features = extract(encoder, test, batch_size=100)
    assert torch.equal(features.dense(), encoder.encode(test.images))
    assert features.labels.tolist() == test.labels.tolist()
    assert (features.class_names, features.split) == (test.class_names, "test")
    assert (features.encoder, features.preprocessing) == (encoder.identity, encoder.preprocessing)
    with pytest.raises(T2WError, match="batch_size is 0"):
        extract(encoder, test, batch_size=0)


class Spoiled:
    """Says one size and gives another, or gives NaN."""

    identity, preprocessing = "spoiled", "none"

    def __init__(self, dim: int, fill: float) -> None:
        self.dim, self.fill = dim, fill

    def encode(self, images: np.ndarray) -> Tensor:
        return torch.full((len(images), 3), self.fill)


def test_encoder_that_does_not_keep_its_word() -> None:
    images = ImageSet(np.zeros((4, 2, 2), np.uint8), np.array([0, 1, 0, 1]), ("a", "b"), "train", "dots", "-", "-")
    assert extract(Spoiled(3, 1.0), images).dim == 3
    with pytest.raises(T2WError, match=r"spoiled gave features of shape \(4, 3\); expected \(4, 5\)"):
        extract(Spoiled(5, 1.0), images)
    with pytest.raises(T2WError, match="NaN"):
        extract(Spoiled(3, float("nan")), images)
