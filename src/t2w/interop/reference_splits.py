"""The reference's `train.json` and `val.json`: which adapter belongs to which classes, and the task's text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from t2w.errors import T2WError
from t2w.extras import needs
from t2w.files import read_json, write_text

with needs("the reference's files"):
    from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

__all__ = ["ReferenceEntry", "load_split", "save_split", "usual_path"]


class ReferenceEntry(BaseModel):
    """One task of a split, its fields named as in the file.

    Attributes:
        index: its number in data_point.json.
        selected_classes: its class names, in order.
        path: its task.pt, relative to data_gen/<dataset>.
        text_features: the task's pooled text embedding, which is the network's condition.
    """

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    index: Annotated[int, Field(ge=0)]
    selected_classes: list[str]
    path: str
    text_features: Annotated[list[float], Field(min_length=1)]


_ENTRIES = TypeAdapter(list[ReferenceEntry])


def usual_path(index: int) -> str:
    """Where the reference keeps the adapter of a task."""
    return f"./checkpoints/{index}/task.pt"


def load_split(path: str | Path) -> list[ReferenceEntry]:
    """Read a `train.json` or `val.json`, in its order.

    Raises:
        T2WError: missing, truncated, of another form, an index twice, or text embeddings of several lengths.
    """
    values = read_json(path, what="a train.json or val.json of the reference")
    try:
        entries = _ENTRIES.validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = " ".join(map(str, first["loc"]))
        raise T2WError(
            f"{path}: {f'entry {place}' if place else 'it'} is {first['input']!r:.60}: {first['msg']}",
            expected="a list of {index, selected_classes, path, text_features}",
        ) from error
    seen: set[int] = set()
    for i, entry in enumerate(entries):
        if entry.index in seen:
            raise T2WError(f"{path}: entry {i} has index {entry.index} a second time", expected="each index once")
        seen.add(entry.index)
        size, first_size = len(entry.text_features), len(entries[0].text_features)
        if size != first_size:
            raise T2WError(f"{path}: entry {i} has a text of {size} numbers", expected=f"{first_size}, as in entry 0")
    return entries


def save_split(path: str | Path, entries: Iterable[ReferenceEntry]) -> None:
    """Write a `train.json` or `val.json`. Raises T2WError where the file cannot be written."""
    write_text(path, json.dumps([entry.model_dump() for entry in entries], indent=4))
