"""Logits of many adapters at once, differentiable in their weights: what a loss on generated weights goes through."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters.spec import AdapterSpec, unflatten

__all__ = ["task_logits"]


def task_logits(spec: AdapterSpec, vectors: Tensor, x: Tensor, text: Tensor, mask: Tensor) -> Tensor:
    """Scaled cosines of images with the class texts of their task, one adapter per task.

    The outputs (T, K, out_features) are never formed: with V = [linear2.weight, linear2.bias] and h the hidden units
    and a one, cosine and norm need only E V, (n, hidden + 1), and V^T V.

    Args:
        vectors: (T, P).
        x: (T, K, in_features) images of each task.
        text: (T, n, out_features) unit class texts; padding of any content.
        mask: (T, n) bool, True for a class of the task.

    Returns:
        (T, K, n); -inf for padding.
    """
    part = unflatten(spec, vectors)
    h = F.gelu(torch.baddbmm(part["linear1.bias"][:, None], x, part["linear1.weight"].mT))  # (T, K, hidden)
    h = F.pad(h, (0, 1), value=1.0)
    v = torch.cat([part["linear2.weight"], part["linear2.bias"][..., None]], dim=-1)  # (T, out, hidden + 1)
    dots = h @ (text @ v).mT  # (T, K, n): cosine times norm
    square = (h @ (v.mT @ v) * h).sum(-1, keepdim=True)  # (T, K, 1): |V h|^2
    return (spec.logit_scale * dots * square.clamp(min=1e-24).rsqrt()).masked_fill(~mask[:, None], float("-inf"))
