"""The ONNX file answers as the classifier does, and says what it is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from export_world import KNOWN, NAMES, SIDE, TinyEncoder, on, photographs
from PIL import Image
from torch import nn

from t2w import Classifier, T2WError
from t2w.encoders import PixelEncoder
from t2w.export import onnx_file
from t2w.export.agreement import made_up
from t2w.export.encoder import EncoderGraph, Resize, encoder_graph
from t2w.export.graph import front_graph
from t2w.export.onnx_file import onnx_model, run_model

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.mark.parametrize(("number", "sides", "tolerance"), [(1, (SIDE, SIDE), 1e-4), (7, (40, 23), 0.02)])
def test_answers_as_the_classifier(
    classifier: Classifier, onnx_path: Path, number: int, sides: tuple[int, int], tolerance: float
) -> None:
    images = made_up(number, (*sides, 3), seed=number)
    found, own = run_model(onnx_path, images), classifier.classify(images)
    assert own.none is not None
    assert found["probabilities"].shape == (number, len(NAMES))
    assert np.abs(found["probabilities"] - own.probabilities.numpy()).max() < tolerance
    assert found["none"].tolist() == own.none.tolist()
    assert tuple(KNOWN[i] for i in found["nearest_known"]) == own.looks_like


def test_the_rule_decides_both_ways(classifier: Classifier, onnx_path: Path) -> None:
    none = run_model(onnx_path, made_up(40, (SIDE, SIDE, 3), seed=9))["none"]
    assert 0 < none.sum() < len(none)


def test_says_what_it_is(classifier: Classifier, onnx_path: Path) -> None:
    model = onnx.load(onnx_path)
    about = {one.key: json.loads(one.value) for one in model.metadata_props}
    assert about["classes"] == list(NAMES)
    assert about["known"] == list(KNOWN)
    assert about["none_below"] == classifier.none_rule.threshold
    assert about["preprocessing"]["resize"] == SIDE
    assert [(one.domain, one.version) for one in model.opset_import] == [("", about["opset"])]
    assert about["format"] == "t2w-onnx"
    assert about["licence"]["adapter"] == "MIT"


def test_tells_nothing_of_the_machine(onnx_path: Path) -> None:
    data = onnx_path.read_bytes()
    assert b".py" not in data
    assert str(Path(__file__).parents[2]).encode() not in data


def test_what_answers_otherwise_is_not_written(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made_once: None
) -> None:
    def wrong(model: Any, images: np.ndarray) -> dict[str, np.ndarray]:
        found = run_model(model, images)
        return {**found, "probabilities": found["probabilities"] + 2e-4}

    monkeypatch.setattr(onnx_file, "run_model", wrong)
    with pytest.raises(T2WError, match=r"differ by 0\.0002.*nothing was written"):
        classifier.export(tmp_path / "wrong.onnx", to="onnx")
    assert list(tmp_path.iterdir()) == []


def test_grey_images_of_a_data_set() -> None:
    encoder = PixelEncoder.fit(made_up(20, (5, 6), top=16), white=16)
    classifier = on(encoder, samples=1)
    made = onnx_model(classifier)
    images = made_up(3, (5, 6), top=16, seed=5)
    found = run_model(made.model, images)
    assert set(found) == {"probabilities"}
    assert np.abs(found["probabilities"] - classifier.predict_proba(list(images))).max() < 1e-4
    assert made.about["input"]["shape"] == ["N", 5, 6]


@pytest.mark.parametrize(("mode", "filter_"), [("cubic", "bicubic"), ("linear", "bilinear")])
@pytest.mark.parametrize("sides", [(48, 48), (61, 80), (333, 50), (40, 37)])
@pytest.mark.parametrize("shorter", [24, None])
def test_resizes_as_pillow(sides: tuple[int, int], mode: str, filter_: str, shorter: int | None) -> None:
    size, edge = (24, 24) if shorter else (24, 18), 3
    graph = front_graph(EncoderGraph(nn.Identity(), size, size, True, Resize(shorter, size, mode)), 10)  # type: ignore[arg-type]
    image = made_up(1, (*sides, 3))[0]
    picture = Image.fromarray(image)
    height, width = sides
    if shorter:
        long = int(shorter * max(sides) / min(sides))
        new = (shorter, long) if width <= height else (long, shorter)
    else:
        new = size[::-1]
    pillow = np.asarray(picture.resize(new, Image.Resampling[filter_.upper()]))
    top, left = (new[1] - size[0]) // 2, (new[0] - size[1]) // 2
    pillow = pillow[top : top + size[0], left : left + size[1]].astype(int)
    found = run_model(graph, image[None])["pixels"][0].transpose(1, 2, 0)
    assert found.shape == (*size, 3)
    apart = np.abs(found - pillow)  # at a picture's edges onnxruntime weighs what lies outside in another way
    assert apart[edge:-edge, edge:-edge].max() <= 2
    assert apart.max() <= 16


def test_other_filters_take_the_encoders_own_size() -> None:
    class Lanczos(TinyEncoder):
        _preprocessing = replace(TinyEncoder._preprocessing, resample="lanczos")

    graph = encoder_graph(Lanczos())
    assert graph.resize is None
    sides = front_graph(graph, 10).graph.input[0].type.tensor_type.shape.dim
    assert [one.dim_value for one in sides][1:] == [SIDE, SIDE, 3]


def test_models_of_the_hub(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from t2w.encoders import HuggingFaceVisionEncoder

    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    config = transformers.ViTConfig(**sizes, image_size=16, patch_size=8)
    transformers.ViTModel(config).save_pretrained(tmp_path, safe_serialization=True)
    prepared = {"image_processor_type": "ViTImageProcessor", "size": {"height": 16, "width": 16}, "resample": 2}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(prepared))
    encoder = HuggingFaceVisionEncoder(tmp_path)
    graph, images = encoder_graph(encoder), made_up(3, (16, 16, 3))
    features = graph.module(torch.from_numpy(images).permute(0, 3, 1, 2))
    assert torch.allclose(features, encoder.encode(list(images)), atol=1e-5)
    assert graph.resize == Resize(None, (16, 16), "linear")


def test_encoders_that_are_no_graph() -> None:
    class Odd:
        identity, dim = "odd@1", 3

    with pytest.raises(T2WError, match="odd@1 cannot be written as a graph"):
        encoder_graph(Odd())  # type: ignore[arg-type]


def test_8_bits(classifier: Classifier, tmp_path: Path, onnx_path: Path, made_once: None) -> None:
    photographs(tmp_path / "photos" / NAMES[0])
    (tmp_path / "photos" / "unknown").mkdir()
    (tmp_path / "photos" / NAMES[0] / "0.png").rename(tmp_path / "photos" / "unknown" / "0.png")
    done = classifier.export(tmp_path / "small.onnx", to="onnx", int8=True, calibrate=tmp_path / "photos")
    report = json.loads((tmp_path / "small.int8.json").read_text())
    assert report["calibrated_on"] == report["measured_on"] == 6
    assert report["labelled"] in (5, 6)
    assert 0.5 <= report["agreement"] <= 1
    assert 0 <= report["accuracy"] <= 1
    assert f"{100 * report['accuracy']:.1f} % of {report['labelled']} (32 bits" in done.notes[1]
    nodes = onnx.load(tmp_path / "small.onnx").graph.node
    quantised = [node for node in nodes if node.op_type == "QuantizeLinear"]
    assert quantised
    assert not any("decision" in name for node in quantised for name in node.input)
    images = made_up(2, (30, 20, 3))
    expected = run_model(onnx_path, images)["probabilities"]
    found = run_model(tmp_path / "small.onnx", images)["probabilities"]
    assert 0 < np.abs(found - expected).max() < 0.3


def test_too_few_pictures_for_8_bits(classifier: Classifier, tmp_path: Path, onnx_path: Path) -> None:
    from t2w.export.int8 import _prepared

    photographs(tmp_path / "photos", 3)
    (tmp_path / "photos" / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    front = front_graph(encoder_graph(classifier.encoder), 10)
    with pytest.raises(T2WError, match="holds 3 readable pictures"):
        _prepared(front, tmp_path / "photos", min_side=None)
