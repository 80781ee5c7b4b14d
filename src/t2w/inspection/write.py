"""The files of an inspection: a picture and its numbers for everything that was found."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from t2w.files import write_json
from t2w.inspection.denoising_picture import denoising_picture
from t2w.inspection.evidence_picture import evidence_picture
from t2w.inspection.heat_picture import heat_picture
from t2w.inspection.landscape_picture import landscape_picture
from t2w.inspection.whole import Inspection

__all__ = ["write_inspection"]


def write_inspection(folder: str | Path, found: Inspection, *, source: str | None = None) -> tuple[Path, ...]:
    """Write PNG and JSON files, each whole or not at all; other files of the folder stay.

    Args:
        folder: made where it is missing.
        source: a line below every photograph; None for none.

    Returns:
        The files, pictures before their numbers.

    Raises:
        T2WError: the folder cannot be written.
    """
    folder, written = Path(folder), list[Path]()

    def write(name: str, draw: Callable[[Path], None], numbers: Any, *, indent: int | None = None) -> None:
        written.extend([folder / f"{name}.png", folder / f"{name}.json"])
        draw(written[-2])
        write_json(written[-1], numbers, indent=indent)

    if (evidence := found.evidence) is not None:
        numbers = [one.to_dict() for one in evidence]
        write("evidence", lambda path: evidence_picture(path, evidence), numbers, indent=2)
    taken: set[str] = set()
    for photo in found.photos:
        draw = partial(heat_picture, photo=photo, source=source)
        write(_photo_name(photo.path, taken), draw, photo.to_dict())
    if (curve := found.denoising) is not None:
        write("denoising", lambda path: denoising_picture(path, [curve]), curve.to_dict(), indent=2)
    if (grid := found.landscape) is not None:
        write("landscape", lambda path: landscape_picture(path, grid), grid.to_dict())
    return tuple(written)


def _photo_name(path: Path, taken: set[str]) -> str:
    """photo-<name of the file>, with a number behind it where two photographs have one name."""
    stem = "photo-" + (re.sub(r"[^\w.-]+", "_", path.stem) or "x")
    name, count = stem, 1
    while name.casefold() in taken:
        count += 1
        name = f"{stem}-{count}"
    taken.add(name.casefold())
    return name
