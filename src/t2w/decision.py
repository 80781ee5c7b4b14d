"""What follows the encoder: features to probabilities, and to "none of these", as one module that can be traced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2w.adapters.adapter import Adapter
from t2w.adapters.spec import unflatten
from t2w.concepts.surety import head_rows

if TYPE_CHECKING:
    from t2w.classifier import Classifier
    from t2w.encoders.head import ClassifierHead

__all__ = ["Decision"]


class Decision(nn.Module):
    """A classifier's adapters, its texts and, where it has one and `none` is asked for, its rule for none of these.

    Attributes:
        rule: None where it is not asked for, too.
        known: (C, d) rows of what the encoder knows by name; empty without a rule.
        known_names: their names; empty without a rule.
        rows: (n, d) unit rows of the classes, means over the samples.
        others: positions of the known classes that are not like one of the task.

    Raises:
        T2WError: the rule needs the encoder's last layer, and there is no such encoder here.
    """

    text: Tensor
    known: Tensor
    rows: Tensor
    others: Tensor

    def __init__(self, classifier: Classifier, *, none: bool = True) -> None:
        super().__init__()
        self.rule = classifier.none_rule if none else None
        self.adapters = nn.ModuleList(Adapter.from_vector(classifier.spec, one) for one in classifier.weights.float())
        self.known_names: tuple[str, ...] = ()
        known = rows = others = torch.empty(0)
        if self.rule is not None:
            from t2w.concepts.concepts import label_names  # with the dictionary, which other classifiers do without

            head: ClassifierHead = classifier.encoder.head().named()  # type: ignore[attr-defined]  # a rule had a head
            known, self.known_names = head_rows(head, self.rule.centres), label_names(head.labels)
            first_layers = unflatten(classifier.spec, classifier.weights.float())["linear1.weight"]
            rows = F.normalize(first_layers.mean(0), dim=1)
            others = self.rule.others(rows, known)
        buffers = {"text": classifier.text.float(), "known": known, "rows": rows, "others": others}
        for name, value in buffers.items():
            self.register_buffer(name, value.detach())
        self.eval().requires_grad_(False)

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        """Features (N, d) to probabilities (N, n); with a rule also none (N,), its score (N,), nearest known (N,)."""
        votes = [adapter.logits(features, self.text).softmax(-1) for adapter in self.adapters]  # type: ignore[operator]
        probabilities = torch.stack(votes).mean(dim=0)
        if self.rule is None:
            return (probabilities,)
        z = self.rule.unit(features)
        like = z @ self.known.T
        score = self.rule.score(z, self.rows, like, self.others)
        return probabilities, score < self.rule.threshold, score, like.argmax(1)
