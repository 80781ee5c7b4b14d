from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from counting_encoder import CountingEncoder, dots
from torch import Tensor

from t2w.datasets import ImageSet, load_digits
from t2w.encoders import PixelEncoder
from t2w.errors import T2WError
from t2w.features import extract


def test_batches_and_threads_do_not_change_features() -> None:
    train, test = load_digits()
    encoder = PixelEncoder.fit(train.images)
    for workers in (1, 5):
        features = extract(encoder, test, batch_size=100, workers=workers)
        assert torch.equal(features.dense(), encoder.encode(test.images))
    assert features.labels.tolist() == test.labels.tolist()
    assert (features.class_names, features.split) == (test.class_names, "test")
    assert (features.encoder, features.preprocessing) == (encoder.identity, encoder.preprocessing)
    for sizes in ({"batch_size": 0}, {"workers": 0}):
        with pytest.raises(T2WError, match=f"{next(iter(sizes))} is 0; expected 1 or more"):
            extract(encoder, test, **sizes)


class Spoiled:
    """Says one size and gives another, or gives NaN."""

    identity, preprocessing, min_side = "spoiled", "none", None

    def __init__(self, dim: int, fill: float) -> None:
        self.dim, self.fill = dim, fill

    def prepare(self, image: np.ndarray) -> Tensor:
        return torch.zeros(1)

    def embed(self, batch: Tensor) -> Tensor:
        return torch.full((len(batch), 3), self.fill)


def test_encoder_that_does_not_keep_its_word() -> None:
    images = ImageSet(np.zeros((4, 2, 2), np.uint8), np.array([0, 1, 0, 1]), ("a", "b"), "train", "dots", "-", "-")
    assert extract(Spoiled(3, 1.0), images).dim == 3  # type: ignore[arg-type]
    with pytest.raises(T2WError, match=r"spoiled gave features of shape \(4, 3\); expected \(4, 5\)"):
        extract(Spoiled(5, 1.0), images)  # type: ignore[arg-type]
    with pytest.raises(T2WError, match="NaN"):
        extract(Spoiled(3, float("nan")), images)  # type: ignore[arg-type]


def test_preparation_keeps_a_few_batches_ahead_and_no_more() -> None:
    encoder = CountingEncoder(slow_seconds=0.01)
    extract(encoder, dots(100), batch_size=10, workers=4)
    assert encoder.prepared == 100
    # In the network one, two waiting: memory is flat in the number of images.
    assert 10 < encoder.most_ahead <= 30


def test_an_image_that_cannot_be_read_ends_it_with_its_name() -> None:
    class Broken(CountingEncoder):
        def prepare(self, image: np.ndarray) -> Tensor:
            if image[0, 0] == 255 and image[0, 1] == 1:
                raise T2WError("cat-17.jpg is truncated")
            return super().prepare(image)

    images = dots(200)
    assert isinstance(images.images, np.ndarray)
    images.images[20, 0, :2] = 255, 1
    encoder = Broken()
    with pytest.raises(T2WError, match=r"cat-17\.jpg is truncated"):
        extract(encoder, images, batch_size=10)
    assert encoder.prepared < 100  # the rest is not prepared in vain


def test_prepared_images_of_different_shapes_are_refused() -> None:
    images = [np.zeros((2, side), np.uint8) for side in (2, 3)]
    uneven = ImageSet(images, np.array([0, 1]), ("a", "b"), "train", "uneven", "-", "-")
    with pytest.raises(T2WError, match=r"\(4,\), \(5,\); expected one shape"):
        extract(CountingEncoder(), uneven)


def test_a_split_without_images() -> None:
    assert extract(CountingEncoder(), dots(0)).features.shape == (0, 5)


def test_large_photographs_are_decoded_small(tmp_path: Path) -> None:
    """A JPEG of 800x1200, for an encoder that wants 64 pixels, is read at a quarter of its size, as it is later."""
    from PIL import Image

    from t2w.datasets import FolderFiles, LazyImages

    Image.new("RGB", (1200, 800), "red").save(tmp_path / "a.jpg")
    seen: list[tuple[int, ...]] = []

    class Small(CountingEncoder):
        def prepare(self, image: np.ndarray) -> Tensor:
            seen.append(image.shape)
            return super().prepare(image[:2, :2, 0])

    lazy = LazyImages(FolderFiles(tmp_path), ["a.jpg"])
    images = ImageSet(lazy, np.zeros(1, dtype=np.int64), ("red",), "train", "reds", "-", "-")
    extract(Small(min_side=128), images)  # type: ignore[arg-type]
    assert seen == [(200, 300, 3)]
