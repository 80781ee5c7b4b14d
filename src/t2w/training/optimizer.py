"""The optimiser of the generator, and the moving average of its weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from t2w.training.settings import TrainSettings

__all__ = ["adamw", "apply_rates", "averaged"]


def adamw(network: nn.Module, settings: TrainSettings, device: torch.device) -> torch.optim.Optimizer:
    """AdamW that decays matrices only."""
    parameters = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    matrices = [p for name, p in parameters if _decays(name, p)]
    others = [p for name, p in parameters if not _decays(name, p)]
    groups = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(
        groups, lr=settings.learning_rate, betas=(0.9, settings.beta2), fused=device.type in ("cpu", "cuda")
    )


def apply_rates(optimizer: Any, rates: Any, settings: TrainSettings, step: int) -> None:
    """Let changed rates act: an optimiser and its schedule bring those they were saved with."""
    rates.base_lrs = [settings.learning_rate for _ in rates.base_lrs]
    for group, decay in zip(optimizer.param_groups, (settings.weight_decay, 0.0), strict=True):
        group["initial_lr"], group["weight_decay"] = settings.learning_rate, decay
        group["lr"] = settings.learning_rate * (settings.rate(step) / settings.learning_rate)  # as LambdaLR rounds it


def _decays(name: str, parameter: Tensor) -> bool:
    return parameter.ndim >= 2 and not name.endswith(("position", "pos_emb")) and "bias" not in name


def averaged(network: nn.Module, decay: float, *, warmup: bool = True) -> AveragedModel:
    """An exponential moving average of `network`'s parameters.

    Args:
        decay: share of the old average kept at every update.
        warmup: keep less at first, min(decay, (1 + k) / (10 + k)) at update k, so that a short run is not dominated by
            its initial weights. False: `decay` throughout, as the paper has it.
    """
    return AveragedModel(network, multi_avg_fn=_average(decay, warmup))


def _average(decay: float, warmup: bool) -> Callable[..., None]:
    @torch.no_grad()
    def update(average: list[Tensor], current: list[Tensor], n_averaged: Tensor | int) -> None:
        k = int(n_averaged)
        torch._foreach_lerp_(average, current, 1 - (min(decay, (1 + k) / (10 + k)) if warmup else decay))

    return update
