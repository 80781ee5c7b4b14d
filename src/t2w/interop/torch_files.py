"""torch.save files read safely: tensors, numbers, text and containers of these; nothing in the file is executed."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import numpy as np
import torch

from t2w.errors import T2WError
from t2w.files import atomic_path

__all__ = ["described", "load_torch", "save_torch"]

# Learning rates in the reference's checkpoints are numpy scalars. Before numpy 2 the module had another name.
_scalar = np.float64(0).__reduce__()[0]
_NUMPY_SCALARS: list[Any] = [
    (_scalar, "numpy._core.multiarray.scalar"),
    (_scalar, "numpy.core.multiarray.scalar"),
    np.dtype,
    type(np.dtype(np.float64)),
]


def load_torch(path: str | Path, *, what: str) -> Any:
    """Read a file of torch.save, which should be `what`, onto the CPU. Raises T2WError where it is not data alone."""
    try:
        with torch.serialization.safe_globals(_NUMPY_SCALARS):
            # Mapped, not read: a checkpoint is four times its weights, and mostly one part is wanted. Files of before
            # torch 1.6 are no archives and cannot be mapped.
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zipfile(path))
    except OSError as error:
        raise T2WError(f"cannot read {path}: {error.strerror or error}", expected=what) from error
    except pickle.UnpicklingError as error:
        raise T2WError(
            f"{path} holds more than tensors, or is no file of torch.save; nothing in it was executed",
            expected=f"{what}: tensors, numbers and text alone",
            fix="do not load it with other tools either unless you trust where it came from",
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, AttributeError, IndexError, TypeError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise T2WError(
            f"{path} is damaged or no file of torch.save ({reason:.120})",
            expected=f"{what}, complete",
            fix="copy or make it again",
        ) from error


def save_torch(path: str | Path, value: Any) -> None:
    """Write with torch.save, whole or not at all. Raises T2WError where the file cannot be written."""
    with atomic_path(path) as temporary:
        torch.save(value, temporary)


def described(value: Any) -> str:
    """What a file holds, for an error's sentence."""
    return f"a dict of {sorted(map(str, value))[:6]}" if isinstance(value, Mapping) else type(value).__name__
