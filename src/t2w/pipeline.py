"""What a user holds: `TextToWeights` writes classifiers from words, `Classifier` is one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from t2w.adapters import Adapter, AdapterSpec
from t2w.devices import resolve_device
from t2w.encoders import PixelEncoder, encode_classes, minilm
from t2w.errors import T2WError
from t2w.files import load_tensors, save_tensors
from t2w.generator import Generator
from t2w.tasks import TextMode, parse_classes

if TYPE_CHECKING:
    from t2w.diffusion import Sampler
    from t2w.encoders import TextEncoder

__all__ = ["Classifier", "Prediction", "TextToWeights"]

_FORMAT, _VERSION = "t2w-classifier", 1
_GENERATOR_FILE = Path("train", "generator.safetensors")


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
    """A generated adapter with all it takes to use it.

    Attributes:
        spec: the adapter's sizes.
        weights: (P,) float32.
        text: (n, out_features) the L2-normalised class texts it decides between.
        classes: their names.
        texts: the texts that were encoded.
        vision: description of the vision encoder whose features it takes: "identity", "preprocessing" and, for the
            pixels, the constants.
        provenance: text encoder, generator, seed, sampler, steps.
    """

    spec: AdapterSpec
    weights: torch.Tensor
    text: torch.Tensor
    classes: tuple[str, ...]
    texts: tuple[str, ...]
    vision: Mapping[str, Any]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def predict(self, images: np.ndarray | Sequence[np.ndarray]) -> Prediction:
        """Classify images, (H, W) or (H, W, 3) uint8 each, as the dataset stores them.

        Raises:
            T2WError: images of another size, or a vision encoder that is not part of this package.
        """
        if self.vision.get("kind") != "pixels":
            raise T2WError(
                f"this classifier takes features of {self.vision.get('identity', 'an unknown encoder')}",
                fix="extract them with that encoder and call predict_features",
            )
        return self.predict_features(PixelEncoder.from_dict(self.vision).encode(images))

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
        probabilities = Adapter.from_vector(self.spec, self.weights).logits(features.float(), self.text).softmax(-1)
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
        if (meta.get("format"), meta.get("version")) != (_FORMAT, _VERSION):
            raise T2WError(
                f"{path} is {meta.get('format', 'an unknown kind of file')}, version {meta.get('version')}",
                expected=f"{_FORMAT}, version {_VERSION}",
            )
        spec, classes = AdapterSpec.from_dict(meta["spec"]), tuple(meta["classes"])
        expected = {"weights": (spec.size,), "text": (len(classes), spec.out_features)}
        found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        if found != expected:
            raise T2WError(f"{path} holds tensors {found}", expected=f"{expected}", fix="generate it again")
        return cls(
            spec, tensors["weights"], tensors["text"], classes, tuple(meta["texts"]), meta["vision"], meta["provenance"]
        )


class TextToWeights:
    """From class names to a classifier.

    Args:
        generator: a trained generator.
        text_encoder: the one it was trained with.
    """

    def __init__(self, generator: Generator, text_encoder: TextEncoder) -> None:
        trained_with = generator.identity.get("text_encoder")
        if text_encoder.identity != trained_with:
            raise T2WError(
                f"the text encoder is {text_encoder.identity}",
                expected=f"{trained_with}, which the generator was trained with",
                fix="install that one, or train a generator with this one",
            )
        self.generator, self.text_encoder = generator, text_encoder

    @classmethod
    def from_pretrained(cls, source: str | Path, *, device: str = "auto") -> TextToWeights:
        """Load a generator from a finished run's folder, or from its file.

        Raises:
            T2WError: no generator there, a damaged one, or one whose text encoder is not at hand.
        """
        path = Path(source)
        if path.is_dir():
            if not (path / _GENERATOR_FILE).exists():
                raise T2WError(
                    f"there is no trained generator in {path}",
                    expected=f"a run folder with {_GENERATOR_FILE}",
                    fix=f"finish the run: t2w run out={path}",
                )
            path = path / _GENERATOR_FILE
        generator = Generator.load(path, device=resolve_device(device))
        return cls(generator, minilm(generator.identity.get("text_encoder_path")))

    def generate(
        self,
        classes: str | Sequence[str],
        *,
        seed: int = 0,
        sampler: Sampler = "ddim",
        steps: int = 10,
        any_class: bool = False,
    ) -> Classifier:
        """A classifier for these classes.

        Args:
            classes: at least two different names, or one text "three, five, eight".
            seed: of the noise sampling starts from.
            sampler: "ddim", "dpm++" or "ancestral".
            steps: sampling steps.
            any_class: accept names that are not classes of the dataset the generator was trained on.

        Raises:
            T2WError: fewer than two classes, one twice, an empty one, an unknown one, or an unknown sampler.
        """
        identity = self.generator.identity
        names = parse_classes(classes, known=None if any_class else identity["class_names"])
        texts = TextMode.from_dict(identity["text"]).texts(names)
        text = encode_classes(self.text_encoder, texts)
        vectors = self.generator.generate(
            self.generator.condition(text),
            seed=seed,
            sampler=sampler,
            steps=steps,
        )
        return Classifier(
            self.generator.config.spec,
            vectors[0],
            text,
            names,
            texts,
            identity["vision"],
            {
                "text_encoder": self.text_encoder.identity,
                "generator": identity["name"],
                "seed": seed,
                "sampler": sampler,
                "steps": steps,
            },
        )
