"""Several adapters made into one: what is usual for any network, and what one hidden unit per class allows.

Averages mix hidden units that mean different things. Units of classes need no mixing: the union of some tasks has the
units of all of them, and only what they say is made anew, because the duals of all codes are not those of some. With E
the codes of all classes and D(E) their duals (see `t2w.adapters.units`), unit k of a part, whose start has the outgoing
column D(E_part)_k, gets

    w2'_k = D(E)_k + (w2_k - D(E_part)_k)

It keeps what it has learnt beyond its start, and adapters that are still their starts become the start of the union.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters.spec import AdapterSpec, permute, unflatten
from t2w.adapters.units import Units, class_codes, start, to_units, to_vector, unit_spec
from t2w.errors import T2WError
from t2w.extras import needs

__all__ = [
    "UnitPart", "average", "fuse_units", "match_then_average", "matching", "task_arithmetic", "text_of",
    "unit_per_class",
]  # fmt: skip


def average(vectors: Tensor) -> Tensor:
    """The mean (P,) of adapters (F, P), weight by weight."""
    return vectors.mean(0)


def matching(spec: AdapterSpec, fixed: Tensor, moving: Tensor) -> Tensor:
    """The order of the hidden units of `moving` that brings them nearest to those of `fixed`, for `permute`.

    Of all orders the one with the largest sum of products of matched units, each with its incoming row, its bias and
    its outgoing column.

    Source: weight matching for one hidden layer, Ainsworth et al., Git Re-Basin, arXiv 2209.04836, section 3.2.
    """
    with needs("matching hidden units"):
        from scipy.optimize import linear_sum_assignment

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


@dataclass(frozen=True, eq=False)
class UnitPart:
    """An adapter of one hidden unit per class, and which classes of the union they are.

    Attributes:
        spec: its sizes.
        vector: (P,) its weights.
        codes: (n, out) of its classes, see `class_codes`.
        classes: (n,) the position of each in the union.
    """

    spec: AdapterSpec
    vector: Tensor
    codes: Tensor
    classes: Sequence[int]


def unit_per_class(spec: AdapterSpec, vector: Tensor, codes: Tensor) -> bool:
    """Whether an adapter (P,) has a hidden unit for each class, in the order of the codes (n, out).

    There are as many units as classes, and of all classes each unit speaks most for its own.
    """
    if (spec.hidden, spec.out_features) != tuple(codes.shape):
        return False
    said = codes @ unflatten(spec, vector)["linear2.weight"]  # (class, unit)
    return torch.equal(said.argmax(0), torch.arange(len(codes), device=said.device))


def text_of(codes: Tensor) -> Tensor:
    """The unit class texts (n, t) that codes (n, out) were made of: the inverse of `class_codes`."""
    more = unit_spec(AdapterSpec(1, 1, 1, 1.0), len(codes)).out_features - 1
    return F.normalize(codes[:, : codes.shape[1] - more], dim=-1) if more else codes


def fuse_units(parts: Sequence[UnitPart], text: Tensor) -> Tensor:
    """The weights (P,) of one adapter for the classes of all parts; its sizes are `unit_spec` of theirs.

    A class that several parts have gets one unit, the mean of its units, with an incoming row as long as theirs are on
    average. The output bias is the mean of the parts'.

    Args:
        parts: with features of one encoder and texts of one encoder.
        text: (n, t) unit class texts of the union; every class is in at least one part.

    Raises:
        T2WError: a part that has not one hidden unit per class.
    """
    codes = class_codes(text)
    n, d, out = len(text), parts[0].spec.in_features, codes.shape[1]
    units, bias = text.new_zeros(n, d + 1 + out), text.new_zeros(out)
    length, count = text.new_zeros(n, 1), text.new_zeros(n, 1)
    for part in parts:
        if not unit_per_class(part.spec, part.vector, part.codes):
            raise T2WError("an adapter without one hidden unit per class", expected="one, as t2w generate writes them")
        own, place = to_units(part.spec, part.vector[None]), torch.as_tensor(list(part.classes))
        incoming, said = own.units[0].split([d + 1, part.codes.shape[1]], dim=1)
        learnt = _among(out, said - _duals(text_of(part.codes)))
        units[place] += torch.cat([incoming, learnt], dim=1)
        length[place] += incoming[:, :d].norm(dim=1, keepdim=True)
        count[place] += 1
        bias += _among(out, own.bias[0]) / len(parts)
    rows, biases, learnt = (units / count).split([d, 1, out], dim=1)
    rows = F.normalize(rows, dim=1) * length / count
    return to_vector(Units(torch.cat([rows, biases, _duals(text) + learnt], dim=1)[None], bias[None]))[0]


def _duals(text: Tensor) -> Tensor:
    """(n, out) what the units of a start say."""
    mask = torch.ones(1, len(text), dtype=torch.bool, device=text.device)
    return start(text.new_zeros(1, len(text), 0), text[None], mask, gain=1.0).units[0, :, 1:]


def _among(out: int, said: Tensor) -> Tensor:
    """Outputs (..., t) for texts, as outputs (..., out) for codes, which begin with the text over sqrt(2): the products
    with them are the same. Outputs that are as long already stay."""
    missing = out - said.shape[-1]
    return said if missing == 0 else math.sqrt(2) * F.pad(said, (0, missing))
