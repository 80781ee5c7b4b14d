"""The reference's adapters, `base.pt` and `checkpoints/<index>/task.pt`: {"clip_adapter": four tensors, "accuracy"}."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from t2w.adapters import AdapterSpec, flatten, unflatten
from t2w.errors import T2WError
from t2w.interop.torch_files import described, load_torch, save_torch

__all__ = ["LOGIT_SCALE", "ReferenceAdapter", "load_adapter", "save_adapter"]

LOGIT_SCALE = 100.0  # CLIP's, which the reference's classifiers use; their files do not say
# An nn.Sequential of Linear, GELU, Linear; in the order of the file and of our vector.
_NAMES = {f"linear{i}.{kind}": f"{place}.{kind}" for i, place in ((1, 0), (2, 2)) for kind in ("weight", "bias")}
_WHAT = "an adapter of the reference"


class ReferenceAdapter(NamedTuple):
    """What such a file holds."""

    spec: AdapterSpec
    vector: Tensor  # (P,) float32, in the order of `spec.layout`, which is the reference's too
    accuracy: float | None  # top-1 in 0..1 on the task's test images after the last epoch; the file has it in percent


def load_adapter(path: str | Path) -> ReferenceAdapter:
    """Read a `base.pt` or `task.pt`; nothing in it is executed. Raises T2WError where it is no adapter."""
    found = load_torch(path, what=_WHAT)
    state = found.get("clip_adapter") if isinstance(found, Mapping) else None
    if not isinstance(state, Mapping):
        raise T2WError(
            f"{path} holds {described(found)}", expected=f'{_WHAT}: a dict with "clip_adapter" and "accuracy"'
        )
    shapes = {name: tuple(value.shape) if isinstance(value, Tensor) else () for name, value in state.items()}
    hidden, size = (*shapes.get("0.weight", ()), 0, 0)[:2]
    spec = AdapterSpec(size or 1, hidden or 1, (*shapes.get("2.bias", ()), 1)[0], LOGIT_SCALE)
    expected = {_NAMES[name]: shape for name, shape in spec.layout}
    if shapes != expected:
        raise T2WError(f"{path} holds an adapter with {shapes}", expected=f"{_WHAT}, such as {expected}")
    vector = flatten(spec, {name: state[theirs].float() for name, theirs in _NAMES.items()})
    if not torch.isfinite(vector).all():
        raise T2WError(f"{path} holds NaN or infinity", expected="numbers", fix="train that task again, or remove it")
    accuracy = found.get("accuracy")
    measured = isinstance(accuracy, int | float) and math.isfinite(accuracy)
    return ReferenceAdapter(spec, vector, float(accuracy) / 100 if measured else None)


def save_adapter(path: str | Path, spec: AdapterSpec, vector: Tensor, accuracy: float | None = None) -> None:
    """Write a `base.pt` or `task.pt` of a vector (P,); accuracy in 0..1, None as NaN: the reference wants a number."""
    parts = unflatten(spec, vector.detach().cpu().float())
    state = OrderedDict((theirs, parts[name].clone()) for name, theirs in _NAMES.items())
    save_torch(path, {"clip_adapter": state, "accuracy": math.nan if accuracy is None else 100 * accuracy})
