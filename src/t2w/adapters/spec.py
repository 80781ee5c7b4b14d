"""What an adapter is outside `adapters/`: a flat vector and the sizes that give it meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import torch
from torch import Tensor

from t2w.errors import T2WError
from t2w.settings import Count, Positive, Settings

__all__ = ["AdapterSpec", "flatten", "permute", "unflatten"]


@dataclass(frozen=True)
class AdapterSpec(Settings):
    """Sizes of `Linear(in_features, hidden) -> GELU (erf) -> Linear(hidden, out_features)`, and its logits' scale.

    Attributes:
        in_features: numbers per image feature.
        hidden: hidden units; they are exchangeable.
        out_features: numbers per text embedding.
        logit_scale: what cosines are multiplied by before the softmax (20 for MiniLM, 100 for CLIP).
    """

    section: ClassVar[str] = "adapter"

    in_features: Count
    hidden: Count
    out_features: Count
    logit_scale: Positive

    @property
    def layout(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Names and shapes of the parameters, in the vector's order; each is stored row by row."""
        return (
            ("linear1.weight", (self.hidden, self.in_features)),
            ("linear1.bias", (self.hidden,)),
            ("linear2.weight", (self.out_features, self.hidden)),
            ("linear2.bias", (self.out_features,)),
        )

    @property
    def size(self) -> int:
        """P, the length of the weight vector."""
        return sum(prod(shape) for _, shape in self.layout)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AdapterSpec:
        """The inverse of `to_dict`.

        Raises:
            T2WError: a field is missing or unknown.
        """
        if set(values) != set(cls.keys()):
            expected = f"exactly {sorted(cls.keys())}"
            raise T2WError(f"an adapter spec with the fields {sorted(values)}", expected=expected)
        return cls(**values)


def flatten(spec: AdapterSpec, state: Mapping[str, Tensor]) -> Tensor:
    """The weight vector (P,) of a module's state, in the order of `spec.layout`.

    Raises:
        T2WError: a parameter is missing, unknown, or of another shape.
    """
    found, expected = {name: tuple(value.shape) for name, value in state.items()}, dict(spec.layout)
    if found != expected:
        raise T2WError(f"adapter parameters {found}", expected=str(expected), fix="give the spec of that adapter")
    return torch.cat([state[name].reshape(-1) for name, _ in spec.layout])


def unflatten(spec: AdapterSpec, vector: Tensor) -> dict[str, Tensor]:
    """Views of a vector's parameters.

    Args:
        vector: (..., P).

    Returns:
        name -> (..., *shape), sharing memory with `vector` (writing to one writes to the other).

    Raises:
        T2WError: the last dimension is not P.
    """
    check_size(spec, vector)
    pieces = vector.split([prod(shape) for _, shape in spec.layout], dim=-1)
    # `unflatten` of a dimension is always a view, whatever the strides of the leading dimensions.
    return {name: piece.unflatten(-1, shape) for (name, shape), piece in zip(spec.layout, pieces, strict=True)}


def permute(spec: AdapterSpec, vector: Tensor, permutation: Tensor) -> Tensor:
    """Renumber the hidden units: unit j of the result is unit `permutation[j]` of `vector`: the same function.

    Args:
        vector: (..., P).
        permutation: (hidden,) int64, each unit once.

    Returns:
        (..., P), new memory. `permute(permute(v, p), q)` equals `permute(v, p[q])`.

    Raises:
        T2WError: the vector does not fit, or `permutation` is not one.
    """
    permutation = torch.as_tensor(permutation, dtype=torch.int64, device=vector.device)
    if sorted(order := permutation.tolist()) != list(range(spec.hidden)):
        raise T2WError(f"a permutation {order}", expected=f"each of 0..{spec.hidden - 1} exactly once (hidden units)")
    part = unflatten(spec, vector)
    for name, dim in (("linear1.weight", -2), ("linear1.bias", -1), ("linear2.weight", -1)):
        part[name] = part[name].index_select(dim, permutation)
    return torch.cat([value.reshape(*vector.shape[:-1], -1) for value in part.values()], dim=-1)


def check_size(spec: AdapterSpec, vector: Tensor) -> None:
    """Raises T2WError unless the last dimension of `vector` is P."""
    size = vector.shape[-1] if vector.dim() else 0
    if size != spec.size:
        expected = f"{spec.size} for an adapter {spec.in_features}-{spec.hidden}-{spec.out_features}"
        fix = "use the adapter sizes that the vector was made with"
        raise T2WError(f"a weight vector of {size} numbers", expected=expected, fix=fix)
