"""Adapters of one hidden unit per class, and where they start: as the classifier that the evidence alone makes.

Of class k with evidence row p_k and text e_k (E the texts of the task):

    w1_k = gain p_k,   b1_k = 0,   w2_k = dual of e_k, row k of (E E^T + 0.03 I)^-1 E,   b2 = 0

Unit k then speaks for class k alone, because e_j . w2_k is about 1 for j = k and about 0 otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters.spec import AdapterSpec, unflatten

__all__ = ["UnitStarts", "Units", "class_codes", "start", "to_units", "to_vector", "unit_spec"]

_RIDGE = 0.03  # small enough that a hundred classes answer as their rows do, large enough for texts that are alike
_WIDE = 256  # classes: from there on texts of a few hundred numbers cannot hold a dual for each
_CODES, _CODE_GAMMA, _CODE_RIDGE = 1024, 3.0, 0.01


@dataclass(frozen=True, eq=False)
class Units:
    """Weights of N adapters, unit by unit.

    Attributes:
        units: (N, n, d + 1 + out): incoming row, bias and outgoing column of each hidden unit.
        bias: (N, out) the output bias.
    """

    units: Tensor
    bias: Tensor


def unit_spec(spec: AdapterSpec, classes: int) -> AdapterSpec:
    """The sizes of an adapter for this many classes."""
    return replace(spec, hidden=classes, out_features=spec.out_features + (_CODES if classes > _WIDE else 0))


def class_codes(text: Tensor) -> Tensor:
    """What the adapter's outputs are compared with, (..., n, out): the unit class texts (..., n, t) themselves.

    Of more than 256 classes, random Fourier features of the texts stand beside them (Rahimi and Recht 2007): unit
    vectors of 1,024 numbers whose products are exp(-3 |a - b|^2), so that every class has a direction of its own.
    """
    if text.shape[-2] <= _WIDE:
        return text
    rng = torch.Generator().manual_seed(0)
    frequencies = torch.randn(text.shape[-1], _CODES // 2, generator=rng).to(text) * math.sqrt(2 * _CODE_GAMMA)
    angles = text @ frequencies
    fourier = F.normalize(torch.cat([angles.cos(), angles.sin()], dim=-1), dim=-1)
    return torch.cat([text, fourier], dim=-1) / math.sqrt(2)


def start(rows: Tensor, text: Tensor, mask: Tensor, *, gain: float) -> Units:
    """The adapters to start from.

    Args:
        rows: (N, n, d) evidence rows; padding of any content.
        text: (N, n, t) unit class texts; zeros where a task has fewer classes.
        mask: (N, n) bool, True for a class. Units of padding are zero: they say nothing and stay zero in training.
    """
    codes = class_codes(text)
    ridge = _RIDGE if codes is text else _CODE_RIDGE
    gram = codes @ codes.mT
    gram.diagonal(dim1=-2, dim2=-1).add_(ridge)
    dual = torch.cholesky_solve(codes, torch.linalg.cholesky(gram))
    units = torch.cat([gain * rows, rows.new_zeros(*rows.shape[:-1], 1), dual], dim=-1)
    return Units(units * mask[..., None], rows.new_zeros(len(rows), codes.shape[-1]))


def to_vector(units: Units) -> Tensor:
    """(N, P) weight vectors, in the order of `AdapterSpec.layout`."""
    n, out = units.units.shape[0], units.bias.shape[-1]
    w1, b1, w2 = units.units.split([units.units.shape[-1] - 1 - out, 1, out], dim=-1)
    return torch.cat([w1.reshape(n, -1), b1.reshape(n, -1), w2.mT.reshape(n, -1), units.bias], dim=1)


def to_units(spec: AdapterSpec, vectors: Tensor) -> Units:
    """The inverse of `to_vector`."""
    part = unflatten(spec, vectors)
    units = torch.cat([part["linear1.weight"], part["linear1.bias"][..., None], part["linear2.weight"].mT], dim=-1)
    return Units(units, part["linear2.bias"])


@dataclass(frozen=True, eq=False)
class UnitStarts:
    """The starts of tasks of one set of classes: what an `AdapterJob` trains from instead of a base.

    Attributes:
        rows: (C, d) evidence row of each class, of unit length.
        text: (C, t) unit class texts.
        gain: what rows are multiplied by.
    """

    rows: Tensor
    text: Tensor
    gain: float

    def of(self, spec: AdapterSpec, tasks: Sequence[Sequence[int]]) -> Tensor:
        """(T, P) start of each task; `spec.hidden` is the most classes one has, and the rest are units of zeros."""
        index = torch.zeros(len(tasks), spec.hidden, dtype=torch.int64)
        mask = torch.zeros(len(tasks), spec.hidden, dtype=torch.bool)
        for i, task in enumerate(tasks):
            index[i, : len(task)], mask[i, : len(task)] = torch.as_tensor(list(task)), True
        text = self.text[index] * mask[..., None]
        return to_vector(start(self.rows[index], text, mask, gain=self.gain))
