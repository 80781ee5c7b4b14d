"""Preprocessing: the same numbers as the models' own processors, read from the same files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_models import CLIP, PROCESSORS

from t2w.encoders import Preprocessing
from t2w.encoders.image_processors import read_preprocessing
from t2w.errors import T2WError


def _folder(tmp_path: Path, values: object, name: str = "preprocessor_config.json") -> Path:
    (tmp_path / name).write_text(json.dumps(values))
    return tmp_path


@pytest.mark.parametrize("kind", PROCESSORS)
@pytest.mark.parametrize("size", [(37, 53), (64, 31), (120, 481), (32, 32)])
def test_the_same_numbers_as_the_models_own_processor(
    kind: str, size: tuple[int, int], tmp_path: Path, photo: Callable[[int, int], np.ndarray]
) -> None:
    transformers = pytest.importorskip("transformers")
    folder = _folder(tmp_path, PROCESSORS[kind])
    image = photo(*size)
    theirs = transformers.AutoImageProcessor.from_pretrained(folder, use_fast=False)
    expected = theirs(image, return_tensors="pt", input_data_format="channels_last")["pixel_values"][0]
    ours = read_preprocessing(folder)
    found = ours(image)
    assert found.dtype == torch.float32
    assert tuple(found.shape) == tuple(expected.shape) == (3, *(ours.size or ()))
    assert torch.equal(found, expected.float())  # not almost: the same bits


def test_published_files_of_resnet_18(tmp_path: Path) -> None:
    found = read_preprocessing(_folder(tmp_path, {**PROCESSORS["resnet"], "size": 224}))
    assert (found.resize, found.crop, found.resample) == (256, (224, 224), "bicubic")
    assert found.min_side == 512


def test_files_of_processors_together_come_first(tmp_path: Path) -> None:
    _folder(tmp_path, PROCESSORS["vit"])
    _folder(tmp_path, {"image_processor": PROCESSORS["clip"], "tokenizer": {}}, "processor_config.json")
    assert read_preprocessing(tmp_path).mean == tuple(CLIP["image_mean"])


def test_a_file_without_a_type_is_read_by_the_models(tmp_path: Path) -> None:
    values = {"size": 32, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    _folder(tmp_path, {"model_type": "vit"}, "config.json")
    assert read_preprocessing(_folder(tmp_path, values)).size == (32, 32)
    _folder(tmp_path, {"model_type": "yolos"}, "config.json")
    with pytest.raises(T2WError, match="does not say its image_processor_type, and the model is a yolos"):
        read_preprocessing(tmp_path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"image_processor_type": "LevitImageProcessor", "size": 224}, "preprocessing LevitImageProcessor.* another"),
        ({**PROCESSORS["vit"], "rescale_offset": True}, "rescale_offset=True, which ViTFeatureExtractor does not have"),
        ({**PROCESSORS["clip"], "crop_pct": 0.9}, r"crop_pct=0\.9"),
        ({**PROCESSORS["clip"], "resample": 9}, "cannot be read as preprocessing"),
        ({**PROCESSORS["clip"], "size": {"longest_edge": 9}}, "cannot be read as preprocessing.*longest_edge"),
        ({**PROCESSORS["clip"], "image_std": [1, 0, 1]}, "the deviation"),
        ({**PROCESSORS["clip"], "crop_size": 0}, "sides of 1 or more"),
        ({**PROCESSORS["clip"], "do_center_crop": False}, "images of different sizes"),
        ([1], "holds no image processor"),
    ],
)
def test_what_is_not_known_is_refused(values: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(T2WError, match=message) as caught:
        read_preprocessing(_folder(tmp_path, values))
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(T2WError, match=r"preprocessor_config\.json.*copy the model's folder whole"):
        read_preprocessing(tmp_path)


def test_hash(tmp_path: Path) -> None:
    first = read_preprocessing(_folder(tmp_path, PROCESSORS["dinov2"]))
    assert first.hash == read_preprocessing(tmp_path).hash
    changed = read_preprocessing(_folder(tmp_path, {**PROCESSORS["dinov2"], "resample": 2}))
    assert changed.hash != first.hash
    without_effect = {**PROCESSORS["dinov2"], "do_convert_rgb": False, "do_pad": False, "processor_class": "X"}
    assert read_preprocessing(_folder(tmp_path, without_effect)).hash == first.hash


def test_grey_images_and_lines_of_pixels(photo: Callable[[int, int], np.ndarray]) -> None:
    step = Preprocessing(resize=32, crop=(32, 32))
    grey = photo(40, 50)[..., 0]
    assert torch.equal(step(grey), step(np.repeat(grey[..., None], 3, axis=-1)))
    assert tuple(step(photo(1, 200_000)).shape) == (3, 32, 32)  # 1.2 GB if it were resized whole
    assert tuple(step(photo(300, 2)).shape) == (3, 32, 32)
    # What is cut off before changes nothing that is kept.
    long = photo(300, 6)
    whole = Image.fromarray(long).resize((32, 1600), Image.Resampling.BICUBIC).crop((0, 784, 32, 816))
    assert (step(long) * 255 - torch.from_numpy(np.array(whole)).permute(2, 0, 1)).abs().max().item() < 1e-3


@pytest.mark.parametrize("shape", [(4, 4, 4), (4, 4, 1), (0, 4, 3), (4,)])
def test_other_arrays(shape: tuple[int, ...]) -> None:
    with pytest.raises(T2WError, match=r"expected \(H, W\) or \(H, W, 3\) uint8"):
        Preprocessing(resize=8, crop=(8, 8))(np.zeros(shape, np.uint8))
    with pytest.raises(T2WError, match="type float64"):
        Preprocessing(resize=8, crop=(8, 8))(np.zeros((4, 4, 3)))
