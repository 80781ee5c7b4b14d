"""Names that every file system takes and none mixes up: of folders for classes, of files that meet in one folder."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from pathlib import PurePath

__all__ = ["folded", "folder_names", "free_name", "shown"]

_MOST_BYTES = 120  # of a folder's name; file systems take 255, whole paths on Windows 260 characters
_MOST_FILE_BYTES = 255
_NOT_ALLOWED = re.compile(r'[<>:"/\\|?*]')
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])", re.IGNORECASE)  # files on Windows


def folded(name: str) -> str:
    """What a file system that ignores case, or how accents are composed, takes two names for."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def folder_names(names: Sequence[str], taken: Iterable[str] = ()) -> tuple[str, ...]:
    """A folder name for each class name: the name itself where it can be one, else the nearest that can.

    Slashes and what Windows forbids become "_", control characters go, as do dots and spaces at the ends; names that
    Windows keeps for devices get a "_"; of names that are one where case is ignored, the later ones get a number.

    Args:
        taken: names that are not given to any.
    """
    used = {folded(name) for name in taken}
    found = []
    for name in names:
        found.append(free_name(_safe(name), used))
        used.add(folded(found[-1]))
    return tuple(found)


def free_name(name: str, used: Collection[str]) -> str:
    """`name`, or where it is used "name (2)", "name (3)", ... with the ending of a file kept.

    Args:
        used: names, folded.
    """
    stem, ending = PurePath(name).stem, PurePath(name).suffix
    number, free = 1, name
    while folded(free) in used:
        number += 1
        free = f"{stem} ({number}){ending}"
        while len(os.fsencode(free)) > _MOST_FILE_BYTES:
            stem = stem[:-1]
            free = f"{stem} ({number}){ending}"
    return free


def shown(text: str) -> str:
    """Text that any file can hold: bytes of a file name that are no UTF-8 as "\\udce9"."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _safe(name: str) -> str:
    # Cc: control characters; Cf: invisible ones, such as those that turn the direction of writing; Cs: halves.
    visible = "".join(
        c for c in unicodedata.normalize("NFC", name) if unicodedata.category(c) not in ("Cc", "Cf", "Cs")
    )
    plain = _cut(_NOT_ALLOWED.sub("_", visible).strip(" ").lstrip("."))
    stem, dot, rest = plain.partition(".")
    if _DEVICES.fullmatch(stem.rstrip(" ")):
        plain = f"{stem.rstrip(' ')}_{dot}{rest}"
    return plain or "class"


def _cut(name: str) -> str:
    return name.encode("utf-8")[:_MOST_BYTES].decode("utf-8", "ignore").strip(" ").rstrip(". ")
