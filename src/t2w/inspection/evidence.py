"""What each class is known by, and which things that the encoder knows its hidden unit is most like."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters.spec import unflatten
from t2w.classifier import Classifier
from t2w.concepts.concepts import label_names
from t2w.concepts.surety import head_rows, without_centres
from t2w.encoders import VisionEncoder
from t2w.encoders.head import ClassifierHead
from t2w.errors import T2WError

__all__ = ["ClassEvidence", "KnownThing", "class_evidence"]


@dataclass(frozen=True)
class KnownThing:
    """A class of the encoder's last layer.

    Attributes:
        name: its first name.
        cosine: of its row with the incoming row of a hidden unit, -1..1.
    """

    name: str
    cosine: float


@dataclass(frozen=True)
class ClassEvidence:
    """One class of a classifier.

    Attributes:
        name: of the class.
        text: what it was taken to mean.
        known_by: where its evidence came from: "known", "3 known kinds", "map", "known and 2 pictures".
        nearest: the known things that its hidden unit is most like, the nearest first.
    """

    name: str
    text: str
    known_by: str
    nearest: tuple[KnownThing, ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def class_evidence(classifier: Classifier, encoder: VisionEncoder, *, count: int = 3) -> tuple[ClassEvidence, ...]:
    """The evidence of every class, in the classifier's order.

    Rows are compared as they are used: the known ones less their mean and both without what is said not to matter
    (`NoneRule.centres`). Of several samples the mean row is taken, as `Classifier.predict` takes it.

    Args:
        encoder: the one that the classifier was made for.
        count: known things per class.

    Raises:
        T2WError: a classifier whose hidden units belong to no class, or an encoder without a last layer with names.
    """
    known_by = classifier.provenance.get("known_by")
    n = len(classifier.classes)
    if known_by is None or len(known_by) != n or classifier.spec.hidden != n:
        raise T2WError(
            f"the file does not say what its {n} classes are known by, of {classifier.spec.hidden} hidden units",
            expected="a classifier of a generator that knows concepts, such as the embedded one",
        )
    head = _head_of(encoder)
    centres = _centres(classifier, head)
    known, names = head_rows(head, centres), label_names(head.labels)
    rows = unflatten(classifier.spec, classifier.weights)["linear1.weight"].float().mean(0)
    cosines = F.normalize(without_centres(rows, centres), dim=1) @ known.T  # (n, C)
    best = cosines.topk(min(count, len(names)), dim=1)
    return tuple(
        ClassEvidence(name, text, by, tuple(KnownThing(names[i], float(c)) for i, c in zip(places, found, strict=True)))
        for name, text, by, places, found in zip(
            classifier.classes, classifier.texts, known_by, best.indices.tolist(), best.values.tolist(), strict=True
        )
    )


def _head_of(encoder: VisionEncoder) -> ClassifierHead:
    if not hasattr(encoder, "head"):
        raise T2WError(f"{encoder.identity} knows nothing by name", expected="an encoder that was trained to classify")
    head: ClassifierHead = encoder.head().named()
    return head


def _centres(classifier: Classifier, head: ClassifierHead) -> Tensor:
    """(m, d) orthonormal: the directions that make no difference, of the file or, where it has none, of the encoder."""
    if classifier.none_rule is not None:
        return classifier.none_rule.centres
    d = head.weight.shape[1]
    return torch.empty(0, d) if head.mean is None else F.normalize(head.mean[None].float(), dim=1)
