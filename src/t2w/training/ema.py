"""The moving average of the weights, over torch's AveragedModel."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

__all__ = ["averaged"]


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
