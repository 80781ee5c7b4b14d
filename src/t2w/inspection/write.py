"""The files of an inspection: a picture and its numbers for everything that was found."""

from __future__ import annotations

import re
from pathlib import Path

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

    def files(name: str) -> tuple[Path, Path]:
        picture, numbers = folder / f"{name}.png", folder / f"{name}.json"
        written.extend([picture, numbers])
        return picture, numbers

    if found.evidence is not None:
        picture, numbers = files("evidence")
        evidence_picture(picture, found.evidence)
        write_json(numbers, [one.to_dict() for one in found.evidence])
    taken: set[str] = set()
    for photo in found.photos:
        picture, numbers = files(_photo_name(photo.path, taken))
        heat_picture(picture, photo, source=source)
        write_json(numbers, photo.to_dict(), indent=None)
    if found.denoising is not None:
        picture, numbers = files("denoising")
        denoising_picture(picture, [found.denoising])
        write_json(numbers, found.denoising.to_dict())
    if found.landscape is not None:
        picture, numbers = files("landscape")
        landscape_picture(picture, found.landscape)
        write_json(numbers, found.landscape.to_dict(), indent=None)
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
