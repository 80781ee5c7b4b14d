"""The reference's `train.json` and `val.json`: which adapter belongs to which classes, and the task's text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from t2w.errors import T2WError
from t2w.files import read_json, write_text

__all__ = ["ReferenceEntry", "load_split", "save_split"]

_KEYS = ("index", "selected_classes", "path", "text_features")


@dataclass(frozen=True, eq=False)
class ReferenceEntry:
    """One task of a split.

    Attributes:
        index: its number in data_point.json.
        classes: its class names, in order.
        path: its task.pt, as the file has it: relative to data_gen/<dataset>.
        text: (C,) float32, the task's pooled text embedding: the network's condition.
    """

    index: int
    classes: tuple[str, ...]
    path: str
    text: Tensor

    @staticmethod
    def usual_path(index: int) -> str:
        """Where the reference keeps the adapter of a task."""
        return f"./checkpoints/{index}/task.pt"


def load_split(path: str | Path) -> tuple[ReferenceEntry, ...]:
    """Read a `train.json` or `val.json`, in its order.

    Raises:
        T2WError: missing, truncated, of another form, an index twice, or text embeddings of several lengths.
    """
    what = "a train.json or val.json of the reference"
    values = read_json(path, what=what)
    if not isinstance(values, list):
        raise T2WError(f"{path} holds {type(values).__name__}", expected=f"{what}: a list")
    entries = tuple(_entry(value, f"{path}: entry {i}") for i, value in enumerate(values))
    seen: set[int] = set()
    for i, entry in enumerate(entries):
        if entry.index in seen:
            raise T2WError(f"{path}: entry {i} has index {entry.index} a second time", expected="each index once")
        seen.add(entry.index)
        if entry.text.shape != entries[0].text.shape:
            raise T2WError(
                f"{path}: entry {i} has a text of {len(entry.text)} numbers",
                expected=f"{len(entries[0].text)}, as in entry 0",
            )
    return entries


def _entry(value: Any, where: str) -> ReferenceEntry:
    if not isinstance(value, dict) or not set(_KEYS) <= set(value):
        found = sorted(value) if isinstance(value, dict) else type(value).__name__
        raise T2WError(f"{where} holds {found}", expected=", ".join(_KEYS))
    index, classes, path, text = (value[key] for key in _KEYS)
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        raise T2WError(f"{where} has index {index!r}", expected="a whole number, 0 or more")
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise T2WError(f"{where} has selected_classes {classes!r:.60}", expected="a list of class names")
    try:
        features = torch.tensor(text, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError):
        features = torch.empty(0)
    if features.ndim != 1 or not len(features) or not torch.isfinite(features).all():
        raise T2WError(f"{where} has text_features {text!r:.60}", expected="a list of finite numbers")
    return ReferenceEntry(index, tuple(classes), str(path), features)


def save_split(path: str | Path, entries: Iterable[ReferenceEntry]) -> None:
    """Write a `train.json` or `val.json`. Raises T2WError where the file cannot be written."""
    values = [
        dict(zip(_KEYS, (e.index, list(e.classes), e.path, e.text.float().tolist()), strict=True)) for e in entries
    ]
    write_text(path, json.dumps(values, indent=4))
