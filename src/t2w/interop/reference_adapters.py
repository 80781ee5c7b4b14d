"""The reference's adapters, `base.pt` and `checkpoints/<index>/task.pt`: {"clip_adapter": four tensors, "accuracy"}."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from t2w.adapters import AdapterSpec, flatten, unflatten
from t2w.errors import T2WError
from t2w.interop.torch_files import load_torch, save_torch

__all__ = ["LOGIT_SCALE", "ReferenceAdapter", "load_adapter", "save_adapter"]

LOGIT_SCALE = 100.0  # CLIP's, which the reference's classifiers use; their files do not say
# An nn.Sequential of Linear, GELU, Linear; in the order of the file and of our vector.
_NAMES = {f"linear{i}.{kind}": f"{place}.{kind}" for i, place in ((1, 0), (2, 2)) for kind in ("weight", "bias")}
_WHAT = "an adapter of the reference"


@dataclass(frozen=True, eq=False)
class ReferenceAdapter:
    """What such a file holds.

    Attributes:
        spec: the adapter's sizes.
        vector: (P,) float32, in the order of `spec.layout`, which is the reference's too.
        accuracy: top-1 in 0..1 on the task's test images, as the reference measured it after the last epoch; None
            where the file has none. The file has it in percent.
    """

    spec: AdapterSpec
    vector: Tensor
    accuracy: float | None


def load_adapter(path: str | Path) -> ReferenceAdapter:
    """Read a `base.pt` or `task.pt`. Nothing in it is executed.

    Raises:
        T2WError: missing, damaged, not an adapter of two layers, or with numbers that are not finite; names the file.
    """
    found = load_torch(path, what=_WHAT)
    state = found.get("clip_adapter") if isinstance(found, Mapping) else None
    if not isinstance(state, Mapping):
        holds = sorted(map(str, found))[:6] if isinstance(found, Mapping) else type(found).__name__
        raise T2WError(f"{path} holds {holds}", expected=f'{_WHAT}: a dict with "clip_adapter" and "accuracy"')
    shapes = {name: tuple(value.shape) if isinstance(value, Tensor) else () for name, value in state.items()}
    hidden, size = (*shapes.get("0.weight", ()), 0, 0)[:2]
    spec = AdapterSpec(size or 1, hidden or 1, (*shapes.get("2.bias", ()), 1)[0], LOGIT_SCALE)
    expected = {_NAMES[name]: shape for name, shape in spec.layout}
    if shapes != expected:
        sizes = f", such as {expected}" if hidden and size else ""
        raise T2WError(
            f"{path} holds an adapter with {shapes}", expected=f"{_WHAT}: {', '.join(_NAMES.values())}{sizes}"
        )
    vector = flatten(spec, {name: state[theirs].float() for name, theirs in _NAMES.items()})
    if not torch.isfinite(vector).all():
        raise T2WError(f"{path} holds NaN or infinity", expected="numbers", fix="train that task again, or remove it")
    accuracy = found.get("accuracy")
    measured = isinstance(accuracy, int | float) and math.isfinite(accuracy)
    return ReferenceAdapter(spec, vector, float(accuracy) / 100 if measured else None)


def save_adapter(path: str | Path, spec: AdapterSpec, vector: Tensor, accuracy: float | None = None) -> None:
    """Write a `base.pt` or `task.pt`.

    Args:
        vector: (P,).
        accuracy: in 0..1; None is written as NaN, as the reference's code wants a number.

    Raises:
        T2WError: a vector of another size, or the file cannot be written.
    """
    parts = unflatten(spec, vector.detach().cpu().float())
    state = OrderedDict((theirs, parts[name].clone()) for name, theirs in _NAMES.items())
    save_torch(path, {"clip_adapter": state, "accuracy": math.nan if accuracy is None else 100 * accuracy})
