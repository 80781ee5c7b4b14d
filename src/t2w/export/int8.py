"""The encoder in 8 bits: smaller and on most processors faster, at a price that is measured and said.

Static quantisation (Jacob et al. 2018, arXiv 1712.05877): weights per channel, activations in the ranges that they
have on photographs. Weights get 7 of the 8 bits: x86 processors without VNNI add products in 16 bits, and with all 8
those overflow, at a tenth of the answers. Ranges found while running would need no photographs; for convolutions
onnxruntime's own advice is against them. The adapters stay as they are.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from t2w.errors import T2WError
from t2w.evaluation.class_folders import match_class
from t2w.export.graph import INNER, INPUT, OUTPUTS, joined, quietly, session_of
from t2w.images import image_files, read_image

if TYPE_CHECKING:
    from onnx import ModelProto

    from t2w.classifier import Classifier

__all__ = ["Int8Report", "in_8_bits"]

_CALIBRATED, _MEASURED, _FEWEST = 100, 400, 8  # pictures: at most for ranges, at most for the report, at least in all
_QUANTISED = ["Conv", "Gemm", "MatMul", "Add", "Clip", "Relu"]


@dataclass(frozen=True)
class Int8Report:
    """What 8 bits change, on pictures that the ranges were not taken from.

    Attributes:
        calibrated_on: pictures that the ranges are from.
        measured_on: pictures that the rest is from.
        agreement: share of them whose label is the classifier's own.
        mean_difference: of a probability.
        labelled: how many of them lie in a class's folder.
        accuracy: share of those that get their class; None where there are none.
        accuracy_32: the same of the classifier.
    """

    calibrated_on: int
    measured_on: int
    agreement: float
    mean_difference: float
    labelled: int
    accuracy: float | None
    accuracy_32: float | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        same = f"8 bits: the same label for {100 * self.agreement:.1f} % of {self.measured_on} pictures"
        if self.accuracy is None or self.accuracy_32 is None:
            return same
        right = f"right on {100 * self.accuracy:.1f} % of {self.labelled} (32 bits: {100 * self.accuracy_32:.1f} %)"
        return f"{same}, {right}"


def in_8_bits(
    classifier: Classifier, front: ModelProto, network: ModelProto, folder: str | Path
) -> tuple[ModelProto, Int8Report]:
    """The whole graph with its encoder in 8 bits, and how it compares.

    Args:
        front: pictures of any size to the network's input.
        network: the rest.
        folder: photographs; in folders named as the classes, they are labelled.

    Raises:
        T2WError: fewer than 8 readable pictures.
    """
    files, inputs = _prepared(front, folder, min_side=classifier.encoder.min_side)
    used = min(_CALIBRATED, len(inputs) // 2)
    small = _quantised(network, inputs[:used])
    places = [match_class(file.parent.name, classifier.classes) for file in files[used:]]
    labels = np.array([-1 if place is None else place for place in places])
    ours, theirs = (_probabilities(one, inputs[used:]) for one in (network, small))
    known = labels >= 0
    right, right_32 = (float((p.argmax(1) == labels)[known].mean()) if known.any() else None for p in (theirs, ours))
    report = Int8Report(
        calibrated_on=used,
        measured_on=len(labels),
        agreement=float((ours.argmax(1) == theirs.argmax(1)).mean()),
        mean_difference=float(np.abs(ours - theirs).mean()),
        labelled=int(known.sum()),
        accuracy=right,
        accuracy_32=right_32,
    )
    return joined(front, small), report


def _prepared(front: ModelProto, folder: str | Path, *, min_side: int | None) -> tuple[list[Path], list[np.ndarray]]:
    """Some of the pictures in a folder, mixed, each as the network's input (1, 3, h, w)."""
    found, missing = image_files([folder])
    if missing:
        raise missing[0][1]
    session, files, inputs = session_of(front), list[Path](), list[np.ndarray]()
    for file in random.Random(0).sample(found, len(found)):
        if len(files) == _CALIBRATED + _MEASURED:
            break
        try:
            picture = read_image(file, min_side=min_side)
        except T2WError:
            continue  # what cannot be read says nothing of ranges
        inputs.append(session.run(None, {INPUT: picture[None]})[0])
        files.append(file)
    if len(files) < _FEWEST:
        raise T2WError(f"{folder} holds {len(files)} readable pictures", expected=f"{_FEWEST} or more, better hundreds")
    return files, inputs


def _quantised(network: ModelProto, inputs: Sequence[np.ndarray]) -> ModelProto:
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.left = iter(inputs)

        def get_next(self) -> dict[str, np.ndarray] | None:
            return None if (one := next(self.left, None)) is None else {INNER: one}

    ours = [n.name for n in network.graph.node if n.name.startswith("encoder/") and n.op_type in _QUANTISED]
    with TemporaryDirectory(prefix="t2w-") as place, quietly():
        path, small = str(Path(place) / "network.onnx"), str(Path(place) / "small.onnx")
        onnx.save(network, path)  # a graph in memory would be emptied into files in the working folder
        quantize_static(
            path, small, Reader(), op_types_to_quantize=_QUANTISED, nodes_to_quantize=ours, per_channel=True,
            reduce_range=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
        return onnx.load(small)


def _probabilities(network: ModelProto, inputs: Sequence[np.ndarray]) -> np.ndarray:
    session = session_of(network)
    return np.concatenate([session.run([OUTPUTS[0]], {INNER: one})[0] for one in inputs])
