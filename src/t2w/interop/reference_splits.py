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
    """One task of a split, its fields named as in the file."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    index: Annotated[int, Field(ge=0)]  # in data_point.json
    selected_classes: list[str]
    path: str  # its task.pt, relative to data_gen/<dataset>
    text_features: Annotated[list[float], Field(min_length=1)]  # the task's pooled text embedding: the condition


_ENTRIES = TypeAdapter(list[ReferenceEntry])


def usual_path(index: int) -> str:
    """Where the reference keeps the adapter of a task."""
    return f"./checkpoints/{index}/task.pt"


def load_split(path: str | Path) -> list[ReferenceEntry]:
    """Read a `train.json` or `val.json`, in its order. Raises T2WError where the reference could not."""
    values = read_json(path, what="a train.json or val.json of the reference")
    try:
        entries = _ENTRIES.validate_python(values)
    except ValidationError as error:
        wrong = error.errors()[0]
        place = " ".join(["entry", *map(str, wrong["loc"])]) if wrong["loc"] else "it"
        raise T2WError(
            f"{path}: {place} is {wrong['input']!r:.60}: {wrong['msg']}",
            expected="a list of {index, selected_classes, path, text_features}",
        ) from error
    seen: set[int] = set()
    for i, entry in enumerate(entries):
        if entry.index in seen:
            raise T2WError(f"{path}: entry {i} has index {entry.index} a second time", expected="each index once")
        seen.add(entry.index)
        if (size := len(entry.text_features)) != (first := len(entries[0].text_features)):
            raise T2WError(f"{path}: entry {i} has a text of {size} numbers", expected=f"{first}, as in entry 0")
    return entries


def save_split(path: str | Path, entries: Iterable[ReferenceEntry]) -> None:
    write_text(path, json.dumps([entry.model_dump() for entry in entries], indent=4))
