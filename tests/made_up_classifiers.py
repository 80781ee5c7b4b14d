"""Classifiers of one hidden unit per class that no generator wrote: the starts of made-up evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w import Classifier
from t2w.adapters import AdapterSpec, class_codes, to_vector, unit_spec
from t2w.adapters.units import start
from t2w.concepts.surety import NoneRule

FEATURES, TEXT, GAIN = 20, 12, 0.8
VISION = {"kind": "made-up", "identity": "made-up@1", "preprocessing": "none"}
WORDS = {"text_encoder": "words@1", "generator": "starts@1"}


def evidence_of(names: Sequence[str]) -> tuple[Tensor, Tensor]:
    """(rows, text) of classes, the same for the same names."""

    def drawn(name: str, size: int) -> Tensor:
        seed = sum((i + 1) * ord(letter) for i, letter in enumerate(name.casefold()))
        return torch.randn(size, generator=torch.Generator().manual_seed(seed + size))

    rows, text = ([drawn(name, size) for name in names] for size in (FEATURES, TEXT))
    return F.normalize(torch.stack(rows), dim=1), F.normalize(torch.stack(text), dim=1)


def classifier_of(names: Sequence[str], *, samples: int = 1, noise: float = 0.0, **about: Any) -> Classifier:
    """The classifier that starts from the evidence of some names.

    Args:
        noise: how far from its start, with a direction for each sample.
        about: fields to change.
    """
    rows, text = evidence_of(names)
    spec = unit_spec(AdapterSpec(FEATURES, 1, TEXT, 20.0), len(names))
    vector = to_vector(start(rows[None], text[None], torch.ones(1, len(names), dtype=torch.bool), gain=GAIN))
    weights = vector + noise * torch.randn(samples, spec.size, generator=torch.Generator().manual_seed(len(names)))
    rule = NoneRule(-1.0, torch.eye(FEATURES)[:1])
    fields = {"vision": VISION, "provenance": WORDS, "none_rule": rule} | about
    return Classifier(spec, weights, class_codes(text), tuple(names), tuple(names), **fields)
