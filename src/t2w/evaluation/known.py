"""Baselines from what the image encoder knows by name: its own last layer, the text-to-weights map, and ConSE."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters.linear_head import LinearHead
from t2w.concepts import Concepts, Evidence
from t2w.encoders.head import ClassifierHead

__all__ = ["conse_scores", "map_scores", "rows_scores"]

_TOP, _TEMPERATURE = 10, 0.5


def rows_scores(head: ClassifierHead, labels: Sequence[int]) -> LinearHead:
    """The encoder's own last layer, of the classes at these positions among its labels; it was trained on them."""
    index = torch.as_tensor(list(labels))
    return LinearHead(head.weight[index], head.bias[index])


def map_scores(evidence: Evidence) -> LinearHead:
    """The rows of some evidence as a linear classifier."""
    return LinearHead(evidence.rows, torch.zeros(len(evidence)))


def conse_scores(head: ClassifierHead, known: Sequence[int], concepts: Concepts, text: Tensor, x: Tensor) -> Tensor:
    """(N, C) cosines of classes with the mean text of what an image is taken for (Norouzi et al. 2013, 1312.5650).

    Args:
        head: the encoder's last layer.
        known: its labels that are not withheld, in the order of `concepts`.
        concepts: what they are.
        text: (C, t) unit class texts, of meaning and name together.
        x: (N, d) features.
    """
    index = torch.as_tensor(list(known))
    logits = x @ head.weight[index].T + head.bias[index]
    top = (logits / _TEMPERATURE).softmax(1).topk(min(_TOP, len(index)), dim=1)
    texts = F.normalize(concepts.text + concepts.name_text, dim=1)[top.indices]  # (N, 10, t)
    return F.normalize((top.values[..., None] * texts).sum(1), dim=1) @ text.T
