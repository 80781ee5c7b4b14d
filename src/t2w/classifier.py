"""A generated classifier: adapter weights with all it takes to use them, in one self-describing file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from t2w.adapters import Adapter, AdapterSpec
from t2w.encoders import VisionEncoder, vision_encoder_from_dict
from t2w.errors import T2WError
from t2w.files import load_tensors, read_metadata, save_tensors
from t2w.pictures import Pictures, pictures_of, pixels_of

__all__ = ["Classifier", "Prediction"]

_FORMAT, _VERSION = "t2w-classifier", 3
_READABLE = (1, 2, 3)  # 1: one weight vector (P,); 2: without a checksum
_BATCH = 256


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a classifier says of N images.

    Attributes:
        classes: the classes, in the order of the columns.
        probabilities: (N, n) softmax over the classes.
        labels: the most probable class of each image.
    """

    classes: tuple[str, ...]
    probabilities: torch.Tensor
    labels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Classifier:
    """Generated adapters with all it takes to use them.

    Attributes:
        spec: the adapters' sizes.
        weights: (S, P) float32; the probabilities of S > 1 samples are averaged.
        text: (n, out_features) the L2-normalised class texts (or codes) it decides between.
        classes: their names.
        texts: the texts that were encoded.
        vision: description of the vision encoder whose features it takes (see `VisionEncoder.to_dict`).
        provenance: text encoder, generator, seed, sampler, steps.
    """

    spec: AdapterSpec
    weights: torch.Tensor
    text: torch.Tensor
    classes: tuple[str, ...]
    texts: tuple[str, ...]
    vision: Mapping[str, Any]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def encoder(self) -> VisionEncoder:
        """The vision encoder it was made for, on the CPU.

        Raises:
            T2WError: it is not on this machine and cannot be fetched, or is another one than the file names.
        """
        return vision_encoder_from_dict(self.vision)

    def predict(self, images: Pictures) -> Prediction:
        """Classify images.

        Args:
            images: one or several: arrays, tensors, Pillow images, paths of image files, or their bytes (see
                `t2w.pictures`); of any size where the encoder resizes.

        Raises:
            T2WError: no image in one of the files, images the encoder does not take, or no such encoder here.
        """
        several, side = pictures_of(images), self.encoder.min_side
        parts = [several[start : start + _BATCH] for start in range(0, len(several), _BATCH)]
        features = [self.encoder.encode([pixels_of(image, min_side=side) for image in part]) for part in parts]
        return self.predict_features(torch.cat(features) if features else torch.empty(0, self.spec.in_features))

    @torch.inference_mode()
    def predict_features(self, features: torch.Tensor) -> Prediction:
        """Classify features (N, in_features) of the vision encoder.

        Raises:
            T2WError: features of another size.
        """
        if features.ndim != 2 or features.shape[1] != self.spec.in_features:
            raise T2WError(
                f"features of shape {tuple(features.shape)}",
                expected=f"(images, {self.spec.in_features}), of {self.vision.get('identity')}",
            )
        adapters = [Adapter.from_vector(self.spec, vector) for vector in self.weights]
        votes = [adapter.logits(features.float(), self.text).softmax(-1) for adapter in adapters]
        probabilities = torch.stack(votes).mean(dim=0)
        labels = tuple(self.classes[i] for i in probabilities.argmax(-1).tolist())
        return Prediction(self.classes, probabilities, labels)

    def save(self, path: str | Path) -> None:
        """Write one self-describing safetensors file.

        Raises:
            T2WError: what is there is no classifier, or it cannot be written.
        """
        if Path(path).is_file() and not _is_classifier(path):
            raise T2WError(
                f"{path} is there already and is no .t2w classifier", expected="a new name, or a classifier to replace"
            )
        metadata = {
            "format": _FORMAT,
            "version": _VERSION,
            "spec": self.spec.to_dict(),
            "classes": list(self.classes),
            "texts": list(self.texts),
            "vision": dict(self.vision),
            "provenance": dict(self.provenance),
        }
        save_tensors(path, {"weights": self.weights, "text": self.text}, metadata)

    @classmethod
    def load(cls, path: str | Path) -> Classifier:
        """Read what `save` wrote; nothing in the file is executed.

        Raises:
            T2WError: missing, truncated, not a classifier, or of another format.
        """
        tensors, meta = load_tensors(path, what="a .t2w classifier", checked=_has_checksum(path))
        if meta.get("format") != _FORMAT or meta.get("version") not in _READABLE:
            raise T2WError(
                f"{path} is {meta.get('format', 'an unknown kind of file')}, version {meta.get('version')}",
                expected=f"{_FORMAT}, version {' or '.join(map(str, _READABLE))}",
            )
        spec, classes = AdapterSpec.from_dict(meta["spec"]), tuple(meta["classes"])
        if "weights" in tensors and tensors["weights"].ndim == 1:
            tensors["weights"] = tensors["weights"][None]
        samples = len(tensors.get("weights", ())) or 1
        expected = {"weights": (samples, spec.size), "text": (len(classes), spec.out_features)}
        found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        if found != expected:
            raise T2WError(f"{path} holds tensors {found}", expected=f"{expected}", fix="generate it again")
        return cls(
            spec, tensors["weights"], tensors["text"], classes, tuple(meta["texts"]), meta["vision"], meta["provenance"]
        )


def _has_checksum(path: str | Path) -> bool:
    return read_metadata(path, what="a .t2w classifier").get("version") not in _READABLE[:2]


def _is_classifier(path: str | Path) -> bool:
    try:
        return read_metadata(path).get("format") == _FORMAT
    except T2WError:
        return False
