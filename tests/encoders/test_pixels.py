from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from t2w.datasets import load_digits
from t2w.encoders import PixelEncoder, VisionEncoder, vision_encoder_from_dict
from t2w.errors import T2WError


def test_training_pixels_have_mean_0_and_overall_deviation_1() -> None:
    images = load_digits()[0].images
    features = PixelEncoder.fit(images).encode(images)
    assert features.dtype == torch.float32
    assert tuple(features.shape) == (1258, 64)
    assert features.mean(dim=0).abs().max().item() < 1e-5
    assert features.var(dim=0, correction=0).mean().sqrt().item() == pytest.approx(1.0, abs=1e-5)


def test_a_pixel_that_never_varied_does_not_blow_up() -> None:
    images = load_digits()[0].images
    constant = np.flatnonzero(images.reshape(len(images), -1).std(axis=0) == 0)
    assert len(constant) > 0  # the left edge of the digits
    encoder = PixelEncoder.fit(images)
    assert encoder.encode(images)[:, constant].abs().max().item() == 0
    lit = np.full((1, 8, 8), 16, dtype=np.uint8)
    assert encoder.encode(lit).abs().max().item() < 16 / encoder.std + 1e-3


def test_identity_follows_the_constants_and_survives_json() -> None:
    train, test = load_digits()
    encoder = PixelEncoder.fit(train.images)
    assert isinstance(encoder, VisionEncoder)
    back = PixelEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert back == encoder
    assert (back.identity, back.preprocessing) == (encoder.identity, encoder.preprocessing)
    assert torch.equal(back.encode(test.images), encoder.encode(test.images))
    other = PixelEncoder.fit(test.images)
    assert other.identity != encoder.identity
    assert other.preprocessing != encoder.preprocessing


def test_prepare_and_embed_are_the_halves_of_encode() -> None:
    images = load_digits()[1].images[:5]
    encoder = PixelEncoder.fit(images)
    prepared = torch.stack([encoder.prepare(image) for image in images])
    assert torch.equal(encoder.embed(prepared), encoder.encode(images))
    assert encoder.min_side is None
    values = encoder.to_dict()
    assert (values["kind"], values["identity"], values["preprocessing"]) == (
        "pixels",
        encoder.identity,
        encoder.preprocessing,
    )
    assert vision_encoder_from_dict(json.loads(json.dumps(values))) == encoder


def test_lists_and_no_images() -> None:
    images = load_digits()[1].images
    encoder = PixelEncoder.fit(images)
    assert torch.equal(encoder.encode(list(images[:3])), encoder.encode(images[:3]))
    assert tuple(encoder.encode([]).shape) == (0, 64)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 9, 8), np.uint8), r"shape \(9, 8\); expected grey images of 8x8"),
        (np.zeros((2, 8, 8, 3), np.uint8), r"shape \(8, 8, 3\)"),
        ([np.zeros((8, 8)), np.zeros((4, 4))], r"shape \(4, 4\)"),
    ],
)
def test_images_of_another_size(images: np.ndarray, message: str) -> None:
    with pytest.raises(T2WError, match=message):
        PixelEncoder.fit(load_digits()[0].images).encode(images)


def test_fit_and_from_dict_refuse() -> None:
    with pytest.raises(T2WError, match="no images"):
        PixelEncoder.fit([])
    with pytest.raises(T2WError, match="deviation is 0"):
        PixelEncoder.fit(np.ones((3, 8, 8), np.uint8))
    with pytest.raises(T2WError, match="no pixel encoder"):
        PixelEncoder.from_dict({"shape": [8, 8]})
    with pytest.raises(T2WError, match="3 pixel means for images of 8x8"):
        PixelEncoder((8, 8), (0.0, 0.0, 0.0), 1.0)


def _pictures(images: np.ndarray, *, negative: bool) -> list[np.ndarray]:
    """The digits as files have them: large, with three channels, black on white or white on black."""
    grey = np.rint(images.astype(float) * 255 / 16).astype(np.uint8)
    large = grey.repeat(24, axis=1).repeat(24, axis=2)
    return [np.dstack([255 - one if negative else one] * 3) for one in large]


@pytest.mark.parametrize("negative", [False, True])
def test_a_picture_of_an_image_has_nearly_its_features(negative: bool) -> None:
    train, test = load_digits()
    encoder = PixelEncoder.fit(train.images, white=train.max_value)
    own, seen = encoder.encode(test.images[:50]), encoder.encode(_pictures(test.images[:50], negative=negative))
    assert (own - seen).abs().max().item() < 0.02  # 255 shades of 16
    wide = [
        np.pad(one, ((0, 0), (40, 40), (0, 0)), constant_values=1) for one in _pictures(test.images[:2], negative=False)
    ]
    assert (encoder.encode(wide) - own[:2]).abs().max().item() < 0.02  # the middle square


def test_what_white_is_does_not_belong_to_the_identity_and_is_kept() -> None:
    images = load_digits()[0].images
    old, new = PixelEncoder.fit(images), PixelEncoder.fit(images, white=16)
    assert old.identity == new.identity
    assert PixelEncoder.from_dict(json.loads(json.dumps(new.to_dict()))) == new
    values = {key: value for key, value in new.to_dict().items() if key != "white"}  # of an earlier version
    with pytest.raises(T2WError, match="generate the classifier again"):
        PixelEncoder.from_dict(values).prepare(np.zeros((20, 20, 3), dtype=np.uint8))
