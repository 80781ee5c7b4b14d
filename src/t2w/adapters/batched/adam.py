"""Adam over many tensors at once (Kingma and Ba, 2015)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["BETAS", "EPS", "adam_"]

BETAS = (0.9, 0.999)
EPS = 1e-8


def adam_(
    w: Sequence[Tensor], g: Sequence[Tensor], m: Sequence[Tensor], v: Sequence[Tensor], step: Tensor, rate: Tensor
) -> None:
    """One step in place.

    Args:
        w, g, m, v: weights, gradients, first and second moments.
        step: () float32 on the tensors' device, 1 for the first step.
        rate: () float32 likewise, the learning rate. Both are tensors so that a captured graph can read new values.
    """
    if w[0].device.type in ("cpu", "cuda") and hasattr(torch, "_fused_adam_"):
        # One pass over memory instead of seven; the pass is what an optimiser step costs.
        torch._fused_adam_(
            list(w), list(g), list(m), list(v), [], [step] * len(w),
            lr=rate, beta1=BETAS[0], beta2=BETAS[1], weight_decay=0.0, eps=EPS, amsgrad=False, maximize=False,
        )  # fmt: skip
        return
    for w_i, g_i, m_i, v_i in zip(w, g, m, v, strict=True):
        m_i.lerp_(g_i, 1 - BETAS[0])
        v_i.mul_(BETAS[1]).addcmul_(g_i, g_i, value=1 - BETAS[1])
        denominator = (v_i / (1 - BETAS[1] ** step)).sqrt_().add_(EPS)
        w_i.sub_(m_i / denominator * (rate / (1 - BETAS[0] ** step)))
