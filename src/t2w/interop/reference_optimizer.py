"""The optimiser state as the reference lays it out: AdamW in two groups, names in alphabetical order."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

__all__ = ["optimizer_state"]

_RATE, _DECAY, _BETAS = 4e-4, 0.1, (0.9, 0.999)


def optimizer_state(network: nn.Module, optimizer: torch.optim.Optimizer | None) -> dict[str, Any]:
    """The state dict of the reference's optimiser for `network`.

    Group 0 has the matrices of linear layers (decayed), group 1 the rest; ids run through group 0, then group 1.

    Args:
        optimizer: an AdamW over the network's own parameters, in whatever groups; None: one that has made no step.
    """
    named = dict(sorted(network.named_parameters()))
    matrices = {f"{name}.weight" for name, module in network.named_modules() if isinstance(module, nn.Linear)}
    rate = float(optimizer.param_groups[0]["lr"]) if optimizer else _RATE
    blank = torch.optim.AdamW(
        [
            {"params": [value for name, value in named.items() if name in matrices], "weight_decay": _DECAY},
            {"params": [value for name, value in named.items() if name not in matrices], "weight_decay": 0.0},
        ],
        lr=rate,
        betas=_BETAS,
    )
    if optimizer is not None:
        for parameter in named.values():
            if parameter in optimizer.state:
                blank.state[parameter] = optimizer.state[parameter]
    return blank.state_dict()
