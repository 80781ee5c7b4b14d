"""One sorted photograph, and what a sort comes to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from t2w.images import Refused

__all__ = ["DONE", "Entry", "How", "Mark", "SortResult"]

How: TypeAlias = Literal["copy", "link", "move"]
"""What becomes of a photograph: a copy, a hard link, or its only place."""
DONE: dict[How, str] = {"copy": "copied", "link": "linked", "move": "moved"}


@dataclass(frozen=True)
class Mark:
    """By what a change of a file is noticed.

    Attributes:
        size: in bytes.
        mtime_ns: when it was last written, in nanoseconds.
    """

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, stat: os.stat_result) -> Mark:
        return cls(stat.st_size, stat.st_mtime_ns)


@dataclass(frozen=True)
class Entry:
    """A photograph and the folder it belongs into.

    Attributes:
        source: where it was found.
        folder: the name of the folder.
        name: its file name in there.
        best: the most probable classes with their probabilities, one or two, the best first.
        looks_like: the known thing it looks like; None where it was not found to be none of the classes.
        mark: of the source before it was classified; None where it is not known.
    """

    source: Path
    folder: str
    name: str
    best: tuple[tuple[str, float], ...]
    looks_like: str | None = None
    mark: Mark | None = None

    def place(self, into: Path) -> Path:
        """Where it is in the sorted folder `into`."""
        return into / self.folder / self.name


@dataclass(frozen=True)
class SortResult:
    """What is in a sorted folder after a sort.

    Attributes:
        into: the sorted folder.
        how: "copy", "link" or "move".
        counts: photographs by folder name: the classes in their order, then the unsure, then those of no class.
        entries: all photographs in it, those sorted before included.
        new: how many of them came by this call.
        refused: photographs that stay where they were, and why.
        gone: photographs sorted before that somebody has since taken out of it; they are not sorted again.
        sheet: the contact sheet.
    """

    into: Path
    how: How
    counts: Mapping[str, int]
    entries: tuple[Entry, ...]
    new: int
    refused: tuple[Refused, ...]
    gone: int
    sheet: Path
