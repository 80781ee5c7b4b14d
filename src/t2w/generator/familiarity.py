"""How far a task's texts lie from those a generator was trained with, and how much of its answer is kept there.

What a generator has learnt of its training classes helps less the less a text resembles theirs, and far away it does
harm: base, which knows no class better than another, is then the better answer.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.generator.condition import Condition

__all__ = ["distance_to_known", "share_kept"]

_SAME = 1e-5  # rounding: a text is its own neighbour at distance 0


def distance_to_known(condition: Condition, known: Tensor) -> Tensor:
    """(N,) mean over a task's classes of 1 - cosine with the nearest known text, in 0..2; 0 where all are known.

    Args:
        condition: one token per class.
        known: (C, text_dim) class texts.
    """
    cosine = F.normalize(condition.tokens, dim=-1) @ F.normalize(known, dim=-1).T  # (N, n, C)
    distance = 1 - cosine.amax(dim=-1)
    distance = torch.where(condition.mask & (distance > _SAME), distance, 0.0)
    return distance.sum(dim=1) / condition.mask.sum(dim=1)


def share_kept(distance: Tensor, reach: float) -> Tensor:
    """(N,) what is kept of the way from base to the generated weights: 1 at distance 0, nothing from `reach` on."""
    return (1 - distance / reach).clamp(min=0.0)
