"""The contact sheet: one HTML file that asks nothing of the network and runs nothing."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

from t2w.errors import T2WError
from t2w.files import write_text
from t2w.images import read_image
from t2w.progress import track
from t2w.sorting.decide import RESULTS, SortFolders
from t2w.sorting.entry import DONE, Entry, SortResult
from t2w.sorting.names import shown
from t2w.templates import template

__all__ = ["MOST_SHOWN", "thumbnail", "write_sheet"]

MOST_SHOWN = 200
"""Thumbnails of a folder, the least sure ones: a thousand of them are 8 MB."""

_MOST_IN_ALL = 10_000  # thumbnails of all folders together, 80 MB: of many classes, each shows fewer
_SIDE = 200  # pixels of a thumbnail, the middle square: sharp on a phone, where it is shown at half of it
_QUALITY = 70  # of WebP


def write_sheet(result: SortResult, folders: SortFolders, *, unsure_below: float) -> None:
    """Write the contact sheet of a sorted folder, whole or not at all; all text from outside is escaped.

    Raises:
        T2WError: it cannot be written.
    """
    notes = {
        folders.unsure: f"No class reached {100 * unsure_below:.0f} %.",
        folders.none: "More like other things than like any of the classes.",
    }
    labels = {folder: label for label, folder in folders.of.items()}
    first: dict[str, list[Entry]] = {name: [] for name in result.counts}
    most = max(1, min(MOST_SHOWN, _MOST_IN_ALL // len(first)))
    for entry in result.entries:
        if len(first[entry.folder]) < most:
            first[entry.folder].append(entry)
    thumbnails = iter(_thumbnails(result.into, [entry for several in first.values() for entry in several]))
    columns = [
        {
            "folder": name,
            "label": labels.get(name),  # the class it is for
            "note": notes.get(name),
            "pictures": [
                (entry, quote(os.fsencode(f"{name}/{entry.name}")), next(thumbnails)) for entry in first[name]
            ],
            "count": count,
        }
        for name, count in result.counts.items()
    ]
    filters = {"shown": shown, "percent": lambda share: f"{100 * share:.0f} %"}
    page = template("t2w.sorting", "sheet.html", filters).render(
        columns=columns, result=result, total=len(result.entries), table=RESULTS, done=DONE[result.how],
    )  # fmt: skip
    write_text(result.sheet, page)


def _thumbnails(into: Path, entries: Sequence[Entry]) -> list[str | None]:
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        made = pool.map(_address, [entry.place(into) for entry in entries])
        return list(track(made, "contact sheet", total=len(entries), unit="image"))


def _address(path: Path) -> str | None:
    """A thumbnail as the address of an image; None where the file can no longer be read."""
    try:
        return f"data:image/webp;base64,{base64.b64encode(thumbnail(path)).decode()}"
    except T2WError:
        return None


def thumbnail(path: Path) -> bytes:
    """A WebP of the picture's middle square. Raises T2WError where it is no image."""
    from PIL import Image, ImageOps

    whole = Image.fromarray(read_image(path, min_side=_SIDE))
    buffer = io.BytesIO()
    ImageOps.fit(whole, (_SIDE, _SIDE)).save(buffer, format="webp", quality=_QUALITY)
    return buffer.getvalue()
