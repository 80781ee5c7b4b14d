"""The state of a training run in one file, complete or absent, and refused where it belongs to another run."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from t2w.errors import T2WError
from t2w.files import atomic_path

__all__ = ["LAST", "load_checkpoint", "save_checkpoint"]

LAST = "last.pt"
FORMAT, VERSION = "t2w-training", 1


def save_checkpoint(path: Path, state: Mapping[str, Any], *, run: Mapping[str, Any]) -> None:
    """Write a run's state.

    Args:
        state: tensors, numbers, lists and dicts of them.
        run: what makes it this run and no other (settings, network, data), as plain values.
    """
    with atomic_path(path) as temporary:
        torch.save({"format": FORMAT, "version": VERSION, "run": dict(run), "state": dict(state)}, temporary)


def load_checkpoint(path: Path, *, run: Mapping[str, Any], device: torch.device | str = "cpu") -> dict[str, Any] | None:
    """A run's state, or None where there is no checkpoint.

    Raises:
        T2WError: the file is damaged, is no checkpoint, or belongs to a run with other settings, network or data.
    """
    if not path.exists():
        return None
    fix = f"delete {path} to start again, or train into another folder"
    try:
        stored = torch.load(path, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise T2WError(
            f"{path} is damaged or not a checkpoint ({reason})", expected="a training checkpoint", fix=fix
        ) from error
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise T2WError(f"{path} is not a training checkpoint", expected=f"one written by t2w ({FORMAT})", fix=fix)
    if stored.get("version") != VERSION:
        raise T2WError(f"{path} has checkpoint format {stored.get('version')!r}", expected=f"format {VERSION}", fix=fix)
    changed = _differences(stored["run"], run)
    if changed:
        found = ", ".join(f"{key} = {old}" for key, old, _ in changed)
        expected = ", ".join(f"{key} = {new}" for key, _, new in changed)
        raise T2WError(f"{path} was written by another run, with {found}", expected=expected, fix=fix)
    state: dict[str, Any] = stored["state"]
    return state


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any, Any]]:
    found: list[tuple[str, Any, Any]] = []
    for key in {**old, **new}:
        a, b = old.get(key), new.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            found += _differences(a, b, f"{prefix}{key}.")
        elif a != b:
            found.append((f"{prefix}{key}", a, b))
    return found
