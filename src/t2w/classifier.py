"""A generated classifier: adapter weights with all it takes to use them, in one self-describing file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from t2w.adapters import Adapter, AdapterSpec
from t2w.encoders import VisionEncoder, vision_encoder_from_dict
from t2w.errors import T2WError
from t2w.files import load_tensors, save_tensors

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Classifier", "Picture", "Prediction"]

_FORMAT, _VERSION = "t2w-classifier", 2
_READABLE = (1, 2)  # version 1: one weight vector (P,)
_BATCH = 256

Picture: TypeAlias = "np.ndarray | Image | str | Path"


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
        text: (n, out_features) the L2-normalised class texts it decides between.
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

    def predict(self, images: np.ndarray | Sequence[Picture]) -> Prediction:
        """Classify images.

        Args:
            images: uint8 arrays (H, W) or (H, W, 3), Pillow images, or paths of image files; of any size where the
                encoder resizes.

        Raises:
            T2WError: no image in one of the files, images the encoder does not take, or no such encoder here.
        """
        parts = [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]
        features = [self.encoder.encode([_pixels(image, self.encoder.min_side) for image in part]) for part in parts]
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
        """Write one self-describing safetensors file."""
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
        tensors, meta = load_tensors(path, what="a .t2w classifier")
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


def _pixels(image: Picture, min_side: int | None) -> np.ndarray:
    if isinstance(image, np.ndarray):
        return image
    if isinstance(image, (str, Path)):
        from t2w.images import read_image

        return read_image(image, min_side=min_side)
    return np.asarray(image.convert("RGB"))
