"""A generated classifier: adapter weights with all it takes to use them, in one self-describing file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from t2w.adapters.spec import AdapterSpec
from t2w.classifier_file import description_of, read_classifier, write_classifier
from t2w.concepts.surety import NoneRule
from t2w.decision import Decision
from t2w.devices import FEW, one_thread, resolve_device
from t2w.errors import T2WError
from t2w.pictures import Pictures, pictures_of
from t2w.prediction import PredictedBatch, Prediction
from t2w.sharing import WEIGHTS, Shared, located, write_beside
from t2w.word_checks import warn

if TYPE_CHECKING:
    from t2w.adapters.enhance import EnhanceSettings
    from t2w.encoders import VisionEncoder
    from t2w.export import Exported, Form
    from t2w.photos import Examples

__all__ = ["Classifier", "Prediction"]

_BATCH = 64


@dataclass(frozen=True, eq=False, repr=False)
class Classifier(Shared):
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
        device: where the vision encoder runs: "auto" for the best there is, "cpu", "cuda:1", "mps". Not in the file.
        encoder_source: where the vision encoder is, a folder or a name; None: where `vision` says. Not in the file.
    """

    spec: AdapterSpec
    weights: torch.Tensor
    text: torch.Tensor
    classes: tuple[str, ...]
    texts: tuple[str, ...]
    vision: Mapping[str, Any]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    none_rule: NoneRule | None = None
    device: torch.device | str = "auto"
    encoder_source: str | Path | None = None

    def __repr__(self) -> str:
        names = ", ".join(self.classes[:3]) + (", ..." if len(self.classes) > 3 else "")
        size = f"{self.weights.numel():,} weights on {self.vision.get('identity')}"
        return f"Classifier({len(self.classes)} classes: {names}; {size})"

    @property
    def classes_(self) -> np.ndarray:
        """(n,) the classes in the order of the columns of `predict_proba`, under scikit-learn's name."""
        return np.array(self.classes)

    @cached_property
    def encoder(self) -> VisionEncoder:
        """The vision encoder it was made for. Raises T2WError where it is not to be had, or is another than that."""
        from t2w.encoders import vision_encoder_from_dict

        device = resolve_device(str(self.device))
        return vision_encoder_from_dict(self.vision, source=self.encoder_source, device=device)

    def to(self, device: torch.device | str) -> Classifier:
        """The same classifier with its vision encoder on another device."""
        return replace(self, device=device)

    def predict(self, images: Pictures, *, batch_size: int = _BATCH) -> np.ndarray:
        """The most probable class of each image, (N,) names. Arguments and errors as of `classify`."""
        return np.array(self.classify(images, none=False, batch_size=batch_size).labels, dtype=self.classes_.dtype)

    def predict_proba(self, images: Pictures, *, batch_size: int = _BATCH) -> np.ndarray:
        """(N, n) probabilities, their columns in the order of `classes_`. Arguments and errors as of `classify`."""
        return self.classify(images, none=False, batch_size=batch_size).probabilities.numpy()

    def classify(self, images: Pictures, *, none: bool = True, batch_size: int = _BATCH) -> Prediction:
        """All that can be said of images: labels, probabilities, and which of them show none of the classes.

        Args:
            images: one or several: paths of image files, their bytes, Pillow images, arrays or tensors (see
                `t2w.pictures`); of any size where the encoder resizes.
            none: say which images are of none of the classes, where the classifier can.
            batch_size: images at once.

        Raises:
            T2WError: an image that cannot be used, which `classify_each` passes over, or no such encoder here.
        """
        parts = []
        for batch in self.classify_each(images, none=none, batch_size=batch_size):
            if batch.refused or batch.prediction is None:
                raise batch.refused[0][1]
            parts.append(batch.prediction)
        nothing = torch.empty(0, self.spec.in_features)
        return Prediction.joined(parts) if parts else self.classify_features(nothing, none=none)

    def classify_each(
        self, images: Pictures, *, none: bool = True, batch_size: int = _BATCH
    ) -> Iterator[PredictedBatch]:
        """`classify` batch by batch, for any number of files; an image that cannot be used does not stop the others."""
        from t2w.features.of_pictures import features_of_pictures

        for batch in features_of_pictures(self.encoder, pictures_of(images), batch_size=batch_size):
            found = None if batch.rows is None else self.classify_features(batch.rows, none=none)
            yield PredictedBatch(batch.positions, found, batch.refused)

    @torch.inference_mode()
    def classify_features(self, features: torch.Tensor, *, none: bool = False) -> Prediction:
        """`classify` for features (N, in_features); `none` alone needs the encoder. Raises T2WError for other sizes."""
        if features.ndim != 2 or features.shape[1] != self.spec.in_features:
            raise T2WError(
                f"features of shape {tuple(features.shape)}",
                expected=f"(images, {self.spec.in_features}), of {self.vision.get('identity')}",
            )
        decision = self._decision_with_none if none and self.none_rule is not None else self._decision
        probabilities, *rest = decision(features.float())
        labels = tuple(self.classes[i] for i in probabilities.argmax(-1).tolist())
        if not rest:
            return Prediction(self.classes, probabilities, labels)
        is_none, _, nearest = rest
        looks_like = tuple(decision.known_names[i] for i in nearest.tolist())
        return Prediction(self.classes, probabilities, labels, is_none, looks_like)

    _decision = cached_property(lambda self: Decision(self, none=False))
    _decision_with_none = cached_property(lambda self: Decision(self))

    def fit(self, examples: Examples, *, settings: EnhanceSettings | None = None, seed: int = 0) -> Classifier:
        """The classifier after some training on labelled pictures; this one stays as it is.

        Args:
            examples: a folder of class folders, images by class name (any may have none), or features with labels.
            settings: of the training; None for the default ones.
            seed: of the order of the pictures.

        Raises:
            T2WError: no such encoder here, no readable pictures, or a folder that means no class or two.

        Warns:
            T2WWarning: pictures that cannot be used.
        """
        from t2w.adapters.enhance import enhance
        from t2w.photos import pictures_of_task

        seen = pictures_of_task(self.encoder, self.classes, None, examples)
        if seen.complaint is not None:
            warn(seen.complaint)
        x, labels = seen.features, torch.tensor(seen.labels)
        with one_thread(len(self.classes) <= FEW):
            fitted = [enhance(self.spec, one, self.text, x, labels, settings, seed=seed) for one in self.weights]
        counts = {name: seen.labels.count(k) for k, name in enumerate(self.classes) if k in seen.labels}
        return replace(self, weights=torch.stack(fitted), provenance={**self.provenance, "fitted_on": counts})

    def fuse(self, *others: Classifier) -> Classifier:
        """One classifier for the classes of this one and of others; see `t2w.fusion.fuse`."""
        from t2w.fusion import fuse

        return fuse([self, *others])

    def save(self, path: str | Path) -> None:
        """Write one self-describing .t2w file. Raises T2WError where another kind of file is there."""
        write_classifier(path, self)

    def export(self, path: str | Path, *, to: Form, **options: Any) -> Exported:
        """Write it for where no t2w is: `to` "onnx", "numpy" or "browser". See `t2w.export.export`."""
        from t2w.export import export

        return export(self, path, to=to, **options)

    @classmethod
    def load(
        cls, path: str | Path, *, device: torch.device | str = "auto", encoder: str | Path | None = None
    ) -> Classifier:
        """Read what `save` wrote; nothing in it is executed. Raises T2WError where it is no classifier, or damaged.

        Args:
            device: where the vision encoder will run.
            encoder: where it is, a folder or a name; None for where the file says.
        """
        return cls(**read_classifier(path), device=device, encoder_source=encoder)

    @classmethod
    def from_pretrained(
        cls, source: str | Path, *, revision: str | None = None, device: torch.device | str = "auto",
        encoder: str | Path | None = None,
    ) -> Classifier:  # fmt: skip
        """Load a .t2w file, a folder that `save_pretrained` wrote, or "user/name" or "user/name@revision" on the hub.

        Args:
            revision: commit, branch or tag on the hub; None for the one in `source`, else the main branch.
            device: of the vision encoder.
            encoder: where it is; see `load`.

        Raises:
            T2WError: there is none, or it cannot be fetched within seconds; else as `load`.
        """
        path = located(source, what="classifier", names=[WEIGHTS], revision=revision)
        return cls.load(path, device=device, encoder=encoder)

    def _write(self, folder: Path, licence: str | None) -> None:
        from t2w.cards import classifier_card

        self.save(folder / WEIGHTS)
        write_beside(folder, description_of(self), classifier_card(self, licence=licence))
