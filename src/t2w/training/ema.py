"""The moving average of the weights, over torch's AveragedModel."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

__all__ = ["averaged"]


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of `network`'s parameters.

    The decay of update k is min(decay, (1 + k) / (10 + k)), so a short run is not dominated by its initial weights.
    """
    return AveragedModel(network, multi_avg_fn=_average(decay))


def _average(decay: float) -> Callable[..., None]:
    @torch.no_grad()
    def update(average: list[Tensor], current: list[Tensor], n_averaged: Tensor | int) -> None:
        k = int(n_averaged)
        torch._foreach_lerp_(average, current, 1 - min(decay, (1 + k) / (10 + k)))

    return update
