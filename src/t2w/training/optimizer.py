"""The optimiser of the generator, and the moving average of its weights."""

from __future__ import annotations

from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from t2w.training.settings import TrainSettings
from t2w.training.sharding import is_cut

__all__ = ["adamw", "apply_rates", "averaged"]


def adamw(network: nn.Module, settings: TrainSettings, device: torch.device) -> torch.optim.Optimizer:
    """AdamW that decays matrices only."""
    groups: tuple[list[Tensor], list[Tensor]] = ([], [])
    for name, p in network.named_parameters():
        if p.requires_grad:
            decays = p.ndim >= 2 and not name.endswith(("position", "pos_emb")) and "bias" not in name
            groups[0 if decays else 1].append(p)
    alike = len(set(map(is_cut, chain(*groups)))) < 2  # else no kernel takes all of them at once
    return torch.optim.AdamW(
        [{"params": p, "weight_decay": decay} for p, decay in zip(groups, (settings.weight_decay, 0.0), strict=True)],
        lr=settings.learning_rate,
        betas=(0.9, settings.beta2),
        fused=alike and device.type in ("cpu", "cuda"),
        foreach=None if alike else False,
    )


def apply_rates(optimizer: Any, settings: TrainSettings, step: int) -> float:
    """Give the optimiser the learning rate of a step, which is returned, and its weight decay."""
    rate = settings.learning_rate * (settings.rate(step) / settings.learning_rate)
    for group, decay in zip(optimizer.param_groups, (settings.weight_decay, 0.0), strict=True):
        group["lr"], group["weight_decay"] = rate, decay
    return rate


def averaged(network: nn.Module, decay: float, *, warmup: bool = True) -> AveragedModel:
    """An exponential moving average of `network`'s parameters.

    Args:
        decay: share of the old average kept at every update.
        warmup: keep less at first, min(decay, (1 + k) / (10 + k)) at update k, so that a short run is not dominated by
            its initial weights. False: `decay` throughout, as the paper has it.
    """

    @torch.no_grad()
    def update(average: Any, current: Any, n_averaged: Tensor | int) -> None:
        k = int(n_averaged)
        weight = 1 - (min(decay, (1 + k) / (10 + k)) if warmup else decay)
        for cut in (False, True):
            pairs = [pair for pair in zip(average, current, strict=True) if is_cut(pair[0]) == cut]
            if pairs:
                torch._foreach_lerp_([old for old, _ in pairs], [new for _, new in pairs], weight)

    return AveragedModel(network, multi_avg_fn=update)
