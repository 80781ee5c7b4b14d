"""A classifier as one ONNX file: encoder, its preparation of pictures, adapters and rule in one graph."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from t2w.decision import Decision
from t2w.encoders.pixels import PixelEncoder
from t2w.encoders.prepared import PreparedEncoder
from t2w.errors import T2WError
from t2w.export.agreement import check_agreement, made_up
from t2w.export.encoder import EncoderGraph, encoder_graph
from t2w.export.graph import INPUT, OPSET, OUTPUTS, front_graph, joined, network_graph, session_of
from t2w.export.metadata import about
from t2w.files import atomic_path, write_json

if TYPE_CHECKING:
    from onnx import ModelProto

    from t2w.classifier import Classifier
    from t2w.export.int8 import Int8Report

__all__ = ["OnnxModel", "onnx_model", "run_model", "write_onnx"]

_TRIED = 5  # pictures; not the number that the graph was traced with
_RESIZED = 0.05  # of a probability; Pillow's and ONNX's resizing differ by a level in some pixels


@dataclass(frozen=True, eq=False)
class OnnxModel:
    """A graph that was compared with its classifier.

    Attributes:
        model: the graph, with what it says of itself.
        about: the same, as plain values.
        difference: largest difference of a probability, on pictures that need no resizing.
        resized_difference: the same for pictures of other sizes; None where the graph takes none.
        int8: how an encoder in 8 bits compares; None where it has 32.
    """

    model: ModelProto
    about: Mapping[str, Any]
    difference: float
    resized_difference: float | None
    int8: Int8Report | None = None


def onnx_model(classifier: Classifier, *, calibrate: str | Path | None = None) -> OnnxModel:
    """The graph of a classifier.

    Args:
        calibrate: a folder of photographs, for an encoder in 8 bits; None for 32.

    Raises:
        T2WError: an encoder that cannot be written out, a graph that does not answer as the classifier does, or too
            few pictures.
    """
    from onnx import checker

    if str(getattr(classifier.encoder, "device", "cpu")) != "cpu":
        classifier = classifier.to("cpu")
    encoder, decision = encoder_graph(classifier.encoder), Decision(classifier)
    network = network_graph(encoder, decision)
    front = front_graph(encoder, network.ir_version) if encoder.colour else None
    model = network if front is None else joined(front, network)
    checker.check_model(model, full_check=True)
    difference, resized = _compared(classifier, encoder, model)
    report = None
    if calibrate is not None:
        from t2w.export.int8 import in_8_bits

        if front is None:
            raise T2WError("pixels are their own features: there is no encoder to put into 8 bits")
        model, report = in_8_bits(classifier, front, network, calibrate)
        checker.check_model(model, full_check=True)
    values = _about(classifier, encoder, decision, report)
    for key, value in values.items():
        model.metadata_props.add(key=key, value=json.dumps(value, ensure_ascii=False))
    return OnnxModel(model, values, difference, resized, report)


def write_onnx(path: str | Path, made: OnnxModel) -> tuple[Path, ...]:
    """Write FILE.onnx, whole or not at all, and for 8 bits what they cost as FILE.int8.json; the files' paths."""
    path = Path(path)
    with atomic_path(path) as temporary:
        temporary.write_bytes(made.model.SerializeToString())
    if made.int8 is None:
        return (path,)
    write_json(report := path.with_suffix(".int8.json"), made.int8.to_dict())
    return path, report


def run_model(model: ModelProto | str | Path, images: np.ndarray) -> dict[str, np.ndarray]:
    """The outputs of a graph, or of the file of one, by name."""
    session = session_of(model)
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, {INPUT: images}), strict=True))


def _compared(classifier: Classifier, encoder: EncoderGraph, model: ModelProto) -> tuple[float, float | None]:
    """The largest differences on pictures that need no resizing, and on others where the graph resizes."""

    def difference(height: int, width: int, **tolerance: float) -> float:
        white = classifier.encoder.white if isinstance(classifier.encoder, PixelEncoder) else None
        images = made_up(_TRIED, (height, width, 3) if encoder.colour else (height, width), top=white or 255)
        expected = classifier.classify(list(images))
        found = run_model(model, images if encoder.resize is not None else _middle(images, encoder.size))
        return check_agreement("the ONNX graph", expected, found["probabilities"], found.get("none"), **tolerance)

    height, width = encoder.unresized
    exact = difference(height, width)
    if encoder.resize is None:
        return exact, None
    others = ((height + 61, 2 * width + 5), (height // 2 + 1, width // 3 + 1))
    return exact, max(difference(*sides, tolerance=_RESIZED) for sides in others)


def _middle(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    top, left = (images.shape[1] - size[0]) // 2, (images.shape[2] - size[1]) // 2
    return images[:, top : top + size[0], left : left + size[1]]


def _about(
    classifier: Classifier, encoder: EncoderGraph, decision: Decision, int8: Int8Report | None
) -> dict[str, Any]:
    height, width = encoder.size
    sides = ["H", "W"] if encoder.resize is not None else [height, width]
    made_for = classifier.encoder
    return {
        "format": "t2w-onnx",
        **about(classifier),
        "opset": OPSET,
        "input": {"name": INPUT, "type": "uint8", "shape": ["N", *sides, *([3] if encoder.colour else [])]},
        "outputs": list(OUTPUTS[: 1 if decision.rule is None else None]),
        "preprocessing": asdict(made_for.preparation) if isinstance(made_for, PreparedEncoder) else None,
        "resizes": encoder.resize is not None,
        "known": list(decision.known_names),
        "int8": None if int8 is None else int8.to_dict(),
    }
