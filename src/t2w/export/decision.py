"""What follows the encoder: features to probabilities, as one module that can be traced and as plain arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2w.adapters.adapter import Adapter
from t2w.adapters.spec import unflatten
from t2w.concepts.concepts import label_names
from t2w.concepts.surety import TAU, head_rows

if TYPE_CHECKING:
    from t2w.classifier import Classifier

__all__ = ["Decision", "arrays_of"]


class Decision(nn.Module):
    """A classifier's adapters, its texts, and its rule for none of these.

    Attributes:
        known: (C, d) rows of what the encoder knows by name; None where the classifier has no rule.
        known_names: their names; empty where it has none.

    Raises:
        T2WError: the rule needs the encoder's last layer, and there is no such encoder here.
    """

    known: Tensor | None
    rows: Tensor
    others: Tensor
    text: Tensor

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.rule = classifier.none_rule
        self.adapters = nn.ModuleList(Adapter.from_vector(classifier.spec, one) for one in classifier.weights.float())
        self.register_buffer("text", classifier.text.float())
        self.known_names: tuple[str, ...] = ()
        self.register_buffer("known", None)
        if self.rule is not None:
            head = classifier.encoder.head().named()  # type: ignore[attr-defined]  # a rule is made with a head
            known, rows = head_rows(head, self.rule.centres), unflatten(classifier.spec, classifier.weights.float())
            unit = F.normalize(rows["linear1.weight"].mean(0), dim=1)
            self.known_names = label_names(head.labels)
            others = self.rule.others(unit, known).nonzero()[:, 0]
            for name, value in (("known", known), ("rows", unit), ("others", others)):
                self.register_buffer(name, value)
        self.eval().requires_grad_(False)

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        """Features (N, d) to probabilities (N, n); with a rule also none (N,), its score (N,), nearest known (N,)."""
        votes = [adapter.logits(features, self.text).softmax(-1) for adapter in self.adapters]  # type: ignore[operator]
        probabilities = torch.stack(votes).mean(dim=0)
        if self.rule is None or self.known is None:
            return (probabilities,)
        z = self.rule.unit(features)
        like = z @ self.known.T
        score = torch.full_like(like[:, 0], torch.inf)
        if len(self.others):  # as `NoneRule.scores`, which would hold the rows twice
            others = like.index_select(1, self.others)
            score = (TAU * z @ self.rows.T).logsumexp(1) - 0.5 * (TAU * others).logsumexp(1)
        return probabilities, score < self.rule.threshold, score, like.argmax(1)


def arrays_of(classifier: Classifier) -> dict[str, np.ndarray]:
    """Everything that `Decision` computes with, under the names that the NumPy script reads."""
    decision, spec = Decision(classifier), classifier.spec
    pieces = {name: piece.numpy() for name, piece in unflatten(spec, classifier.weights.float()).items()}
    arrays = {
        "classes": np.array(classifier.classes),
        "weight1": pieces["linear1.weight"],  # (S, hidden, d) for S samples that vote
        "bias1": pieces["linear1.bias"],
        "weight2": pieces["linear2.weight"],
        "bias2": pieces["linear2.bias"],
        "text": (spec.logit_scale * F.normalize(decision.text, dim=-1)).numpy(),
    }
    if decision.rule is not None and decision.known is not None:
        arrays |= {
            "centres": decision.rule.centres.numpy(),
            "tau": np.float64(TAU),
            "rows": decision.rows.numpy(),
            "others": decision.others.numpy(),  # positions among the known
            "known": decision.known.numpy(),
            "known_names": np.array(decision.known_names),
            "none_below": np.float64(decision.rule.threshold),
        }
    return arrays
