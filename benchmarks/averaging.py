"""Several adapters of any kind made into one, in the usual ways: what fused units are measured against."""

from __future__ import annotations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from t2w.adapters import AdapterSpec, permute, to_units


def average(vectors: Tensor) -> Tensor:
    """The mean (P,) of adapters (F, P), weight by weight."""
    return vectors.mean(0)


def matching(spec: AdapterSpec, fixed: Tensor, moving: Tensor) -> Tensor:
    """The order of the hidden units of `moving` that brings them nearest to those of `fixed`, for `permute`.

    Of all orders the one with the largest sum of products of matched units, each with its incoming row, its bias and
    its outgoing column.

    Source: weight matching for one hidden layer, Ainsworth et al., Git Re-Basin, arXiv 2209.04836, section 3.2.
    """
    ours, theirs = (to_units(spec, vector[None]).units[0] for vector in (fixed, moving))
    _, order = linear_sum_assignment((ours @ theirs.T).double().cpu().numpy(), maximize=True)
    return torch.from_numpy(order)


def match_then_average(spec: AdapterSpec, vectors: Tensor) -> Tensor:
    """The mean (P,) of adapters (F, P) after the units of each have been matched with those of the first."""
    matched = [permute(spec, vector, matching(spec, vectors[0], vector)) for vector in vectors[1:]]
    return average(torch.stack([vectors[0], *matched]))


def task_arithmetic(base: Tensor, vectors: Tensor, *, share: float = 1.0) -> Tensor:
    """The base (P,) and a share of the sum of what adapters (F, P) trained from it have learnt.

    Source: Ilharco et al., Editing Models with Task Arithmetic, arXiv 2212.04089, where the share is lambda.
    """
    return base + share * (vectors - base).sum(0)
