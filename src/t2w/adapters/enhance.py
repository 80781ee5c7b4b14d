"""Enhancement: an adapter, generated or not, trained further on a few labelled pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters.adapter import Adapter
from t2w.adapters.spec import AdapterSpec
from t2w.errors import T2WError
from t2w.settings import Count, NonNegative, Positive, Settings

__all__ = ["EnhanceSettings", "enhance"]


@dataclass(frozen=True)
class EnhanceSettings(Settings):
    """Adam on cross-entropy with a pull towards the start (L2-SP, Li et al. 2018, arXiv 1802.01483).

    Attributes:
        steps: optimiser steps.
        learning_rate: falls to 0 as a cosine.
        batch_size: pictures per step; all where there are fewer.
        pull: weight of the squared distance to the start, over the squared length of the start.
    """

    steps: Count = 100
    learning_rate: Positive = 1e-3
    batch_size: Count = 256
    pull: NonNegative = 3.0


def enhance(
    spec: AdapterSpec,
    start: Tensor,
    text: Tensor,
    x: Tensor,
    labels: Tensor,
    settings: EnhanceSettings | None = None,
    *,
    seed: int = 0,
    watch: Callable[[int, Adapter], None] | None = None,
) -> Tensor:
    """Train an adapter (P,) further; the new weights (P,).

    Args:
        start: (P,) the weights to begin with.
        text: (n, out) class texts or codes.
        x: (N, in) features of labelled pictures; `labels` (N,) are class positions, and a class may have none.
        settings: None for the default ones.
        seed: of the order of the pictures.
        watch: called with the number of steps done and the adapter, before the first step and after each.

    Raises:
        T2WError: no pictures, or labels that do not fit.
    """
    settings = settings or EnhanceSettings()
    if len(x) == 0 or len(x) != len(labels) or int(labels.min()) < 0 or int(labels.max()) >= len(text):
        raise T2WError(f"{len(x)} pictures with {len(labels)} labels of {len(text)} classes", expected="a label each")
    adapter = Adapter.from_vector(spec, start.float())
    optimizer = torch.optim.Adam(adapter.parameters(), lr=settings.learning_rate)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)
    first = [parameter.detach().clone() for parameter in adapter.parameters()]
    length = sum(float(parameter.square().sum()) for parameter in first)
    rng = torch.Generator().manual_seed(seed)
    order = torch.empty(0, dtype=torch.int64)
    size = min(settings.batch_size, len(x))
    for step in range(settings.steps):
        if watch is not None:
            watch(step, adapter)
        if len(order) < size:
            order = torch.cat([order, torch.randperm(len(x), generator=rng)])
        rows, order = order[:size], order[size:]
        loss = F.cross_entropy(adapter.logits(x[rows], text), labels[rows])
        away = torch.stack([(now - then).square().sum() for now, then in zip(adapter.parameters(), first, strict=True)])
        optimizer.zero_grad(set_to_none=True)
        (loss + settings.pull * away.sum() / length).backward()
        optimizer.step()
        decay.step()
    if watch is not None:
        watch(settings.steps, adapter)
    return adapter.vector()
