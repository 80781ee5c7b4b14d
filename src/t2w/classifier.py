"""A generated classifier: adapter weights with all it takes to use them, in one self-describing file."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

from t2w.adapters import Adapter, AdapterSpec
from t2w.adapters.enhance import EnhanceSettings, enhance
from t2w.concepts.concepts import label_names
from t2w.concepts.surety import NoneRule, head_rows
from t2w.devices import one_thread
from t2w.encoders import VisionEncoder, vision_encoder_from_dict
from t2w.encoders.head import ClassifierHead
from t2w.errors import T2WError, T2WWarning
from t2w.files import load_tensors, read_metadata, save_tensors
from t2w.pictures import Pictures, pictures_of, pixels_of

if TYPE_CHECKING:
    from t2w.photos import Examples

__all__ = ["Classifier", "Prediction"]

_FORMAT, _VERSION = "t2w-classifier", 3
_READABLE = (1, 2, 3)  # 1: one weight vector (P,); 2: without a checksum
_BATCH = 256
_FEW = 64  # classes up to which one thread trains as fast as several


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a classifier says of N images.

    Attributes:
        classes: the classes, in the order of the columns.
        probabilities: (N, n) softmax over the classes.
        labels: the most probable class of each image.
        none: (N,) bool, the image is more like other things that the encoder knows than like any of the classes; None
            where the classifier cannot tell, or was not asked.
        looks_like: the known thing that each image is most like; None where `none` is.
    """

    classes: tuple[str, ...]
    probabilities: torch.Tensor
    labels: tuple[str, ...]
    none: torch.Tensor | None = None
    looks_like: tuple[str, ...] | None = None


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
        none_rule: when an image is of none of the classes; None where that is not known.
    """

    spec: AdapterSpec
    weights: torch.Tensor
    text: torch.Tensor
    classes: tuple[str, ...]
    texts: tuple[str, ...]
    vision: Mapping[str, Any]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    none_rule: NoneRule | None = None

    @cached_property
    def encoder(self) -> VisionEncoder:
        """The vision encoder it was made for, on the CPU.

        Raises:
            T2WError: it is not on this machine and cannot be fetched, or is another one than the file names.
        """
        return vision_encoder_from_dict(self.vision)

    def predict(self, images: Pictures, *, none: bool = True) -> Prediction:
        """Classify images.

        Args:
            none: say which images are of none of the classes, where the classifier can.
            images: one or several: arrays, tensors, Pillow images, paths of image files, or their bytes (see
                `t2w.pictures`); of any size where the encoder resizes.

        Raises:
            T2WError: no image in one of the files, images the encoder does not take, or no such encoder here.
        """
        several, side = pictures_of(images), self.encoder.min_side
        parts = [several[start : start + _BATCH] for start in range(0, len(several), _BATCH)]
        features = [self.encoder.encode([pixels_of(image, min_side=side) for image in part]) for part in parts]
        found = torch.cat(features) if features else torch.empty(0, self.spec.in_features)
        return self.predict_features(found, encoder=self.encoder if none else None)

    @torch.inference_mode()
    def predict_features(self, features: torch.Tensor, *, encoder: VisionEncoder | None = None) -> Prediction:
        """Classify features (N, in_features) of the vision encoder.

        Args:
            encoder: the vision encoder, to ask what else an image may be; None: do not ask.

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
        if encoder is None or self.none_rule is None:
            return Prediction(self.classes, probabilities, labels)
        known, names = _known_by(encoder, self.none_rule)
        rows = torch.stack([adapter.linear1.weight for adapter in adapters]).mean(0)
        scores = self.none_rule.scores(F.normalize(rows, dim=1), known, features.float())
        nearest = self.none_rule.nearest(known, features.float()).tolist()
        looks_like = tuple(names[i] for i in nearest)
        return Prediction(self.classes, probabilities, labels, scores < self.none_rule.threshold, looks_like)

    def fit(self, examples: Examples, *, settings: EnhanceSettings | None = None, seed: int = 0) -> Classifier:
        """The classifier after some training on labelled pictures; this one stays as it is.

        Args:
            examples: a folder of class folders, or images by class name; any class may have none.
            settings: of the training; None for the default ones.
            seed: of the order of the pictures.

        Raises:
            T2WError: no such encoder here, no readable pictures, or a folder that means no class or two.

        Warns:
            T2WWarning: pictures that cannot be used.
        """
        from t2w.photos import pictures_of_task

        seen = pictures_of_task(self.encoder, self.classes, None, examples)
        if seen.refused:
            path, reason = seen.refused[0]
            warnings.warn(
                f"{len(seen.refused)} of the pictures cannot be used, such as {path}: {reason}", T2WWarning, 2
            )
        labels = torch.tensor(seen.labels)
        with one_thread(len(self.classes) <= _FEW):
            fitted = [
                enhance(self.spec, one, self.text, seen.features, labels, settings, seed=seed) for one in self.weights
            ]
        counts = {name: seen.labels.count(k) for k, name in enumerate(self.classes) if k in seen.labels}
        return replace(self, weights=torch.stack(fitted), provenance={**self.provenance, "fitted_on": counts})

    def fuse(self, *others: Classifier) -> Classifier:
        """One classifier for the classes of this one and of others; see `t2w.fusion.fuse`."""
        from t2w.fusion import fuse

        return fuse([self, *others])

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
        tensors = {"weights": self.weights, "text": self.text}
        if self.none_rule is not None:
            tensors["centres"] = self.none_rule.centres
            metadata["none_below"] = self.none_rule.threshold
        save_tensors(path, tensors, metadata)

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
        if "none_below" in meta:
            expected["centres"] = (len(tensors.get("centres", ())), spec.in_features)
        found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        if found != expected:
            raise T2WError(f"{path} holds tensors {found}", expected=f"{expected}", fix="generate it again")
        rule = NoneRule(meta["none_below"], tensors["centres"]) if "none_below" in meta else None
        return cls(
            spec, tensors["weights"], tensors["text"], classes, tuple(meta["texts"]), meta["vision"],
            meta["provenance"], rule,
        )  # fmt: skip


def _known_by(encoder: VisionEncoder, rule: NoneRule) -> tuple[torch.Tensor, tuple[str, ...]]:
    """(C, d) rows of everything an encoder knows by name, and the names."""
    head: ClassifierHead = encoder.head().named()  # type: ignore[attr-defined]  # a rule is made with a head
    return head_rows(head, rule.centres), label_names(head.labels)


def _has_checksum(path: str | Path) -> bool:
    return read_metadata(path, what="a .t2w classifier").get("version") not in _READABLE[:2]


def _is_classifier(path: str | Path) -> bool:
    try:
        return read_metadata(path).get("format") == _FORMAT
    except T2WError:
        return False
