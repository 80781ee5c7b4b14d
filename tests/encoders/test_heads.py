"""The last layers of image classifiers: rows, biases and names that belong together, or a refusal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from t2w.encoders import load_vision_encoder
from t2w.encoders.head import ClassifierHead
from t2w.errors import T2WError

Models = Callable[[str], Path]
Photo = Callable[[int, int], np.ndarray]

transformers = pytest.importorskip("transformers")


def classifier(models: Models, kind: str, folder: Path, names: list[str]) -> Path:
    """A tiny classifier with these class names."""
    body = {"resnet": "resnet", "vit": "vit_classifier", "convnext": "convnext"}[kind]
    config = transformers.AutoConfig.from_pretrained(models(body), num_labels=len(names))
    config.id2label = dict(enumerate(names))
    torch.manual_seed(0)
    transformers.AutoModelForImageClassification.from_config(config).save_pretrained(folder)
    shutil.copy(models(body) / "preprocessor_config.json", folder)
    return folder


@pytest.mark.parametrize("kind", ["resnet", "vit", "convnext"])
def test_the_head_gives_the_models_own_answer(kind: str, models: Models, photo: Photo, tmp_path: Path) -> None:
    names = ["tabby, tabby cat", "school bus", "espresso"]
    folder = classifier(models, kind, tmp_path / "model", names)
    encoder = load_vision_encoder(folder)
    head = encoder.head()
    assert head.labels == tuple(names)
    images = [photo(40, 57), photo(80, 41)]
    batch = torch.stack([encoder.prepare(image) for image in images])
    with torch.no_grad():
        expected = transformers.AutoModelForImageClassification.from_pretrained(folder)(batch).logits
    torch.testing.assert_close(encoder.encode(images) @ head.weight.T + head.bias, expected, atol=1e-5, rtol=1e-4)


def test_a_model_without_a_head_is_refused(models: Models) -> None:
    with pytest.raises(T2WError, match="has no last layer that names classes; expected an image classifier"):
        load_vision_encoder(models("dinov2")).head()


def test_generic_names_are_no_names(models: Models, tmp_path: Path) -> None:
    folder = classifier(models, "vit", tmp_path / "model", ["LABEL_0", "cat", "3", "class_3", "dog"])
    assert load_vision_encoder(folder).head().named().labels == ("cat", "dog")
    folder = classifier(models, "vit", tmp_path / "nameless", ["LABEL_0", "LABEL_1"])
    with pytest.raises(T2WError, match="class names are such as 'LABEL_0'; expected words"):
        load_vision_encoder(folder).head().named()


def test_rows_and_names_that_do_not_fit(models: Models, tmp_path: Path) -> None:
    folder = classifier(models, "vit", tmp_path / "model", ["cat", "dog"])
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] |= {"2": "bird"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(T2WError, match=r"shape \(2, 16\) with 2 biases for 3 class names"):
        load_vision_encoder(folder).head()


def test_numbers_that_are_not_finite(models: Models, tmp_path: Path) -> None:
    folder = classifier(models, "vit", tmp_path / "model", ["cat", "dog"])
    tensors = load_file(folder / "model.safetensors")
    tensors["classifier.bias"][0] = float("nan")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(T2WError, match="holds NaN or infinity"):
        load_vision_encoder(folder).head()
    with pytest.raises(T2WError, match="0 biases"):
        ClassifierHead(torch.zeros(1, 2), torch.zeros(0), ("cat",))
