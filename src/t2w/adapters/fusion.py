"""Several adapters of one hidden unit per class made into one.

The union of some tasks has the hidden units of all of them. Only the outgoing weights are made anew, because the duals
of all codes are not those of some. With E the codes of all classes and D(E) their duals (see `t2w.adapters.units`),
unit k of a part, whose start has the outgoing column D(E_part)_k, gets

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

from t2w.adapters.spec import AdapterSpec, unflatten
from t2w.adapters.units import Units, class_codes, start, to_units, to_vector, unit_spec
from t2w.errors import T2WError

__all__ = ["UnitPart", "fuse_units", "text_of", "unit_per_class"]


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

    There are as many units as classes, and each unit raises the score of its own class most.
    """
    if (spec.hidden, spec.out_features) != tuple(codes.shape):
        return False
    raised = codes @ unflatten(spec, vector)["linear2.weight"]  # (class, unit)
    return torch.equal(raised.argmax(0), torch.arange(len(codes), device=raised.device))


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
        incoming, outgoing = own.units[0].split([d + 1, part.codes.shape[1]], dim=1)
        learnt = _among(out, outgoing - _duals(text_of(part.codes)))
        units[place] += torch.cat([incoming, learnt], dim=1)
        length[place] += incoming[:, :d].norm(dim=1, keepdim=True)
        count[place] += 1
        bias += _among(out, own.bias[0]) / len(parts)
    rows, biases, learnt = (units / count).split([d, 1, out], dim=1)
    rows = F.normalize(rows, dim=1) * length / count
    return to_vector(Units(torch.cat([rows, biases, _duals(text) + learnt], dim=1)[None], bias[None]))[0]


def _duals(text: Tensor) -> Tensor:
    """(n, out) outgoing weights of the units of a start."""
    mask = torch.ones(1, len(text), dtype=torch.bool, device=text.device)
    return start(text.new_zeros(1, len(text), 0), text[None], mask, gain=1.0).units[0, :, 1:]


def _among(out: int, values: Tensor) -> Tensor:
    """Outputs (..., t) for texts as outputs (..., out) for codes: those begin with the text over sqrt(2)."""
    missing = out - values.shape[-1]
    return values if missing == 0 else math.sqrt(2) * F.pad(values, (0, missing))
