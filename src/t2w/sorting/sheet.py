"""The contact sheet: one HTML file that asks nothing of the network and runs nothing."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from t2w.errors import T2WError
from t2w.extras import needs
from t2w.files import write_text
from t2w.images import read_image
from t2w.progress import track
from t2w.sorting.decide import RESULTS, SortFolders
from t2w.sorting.entry import Entry, SortResult
from t2w.sorting.names import shown

__all__ = ["MOST_SHOWN", "write_sheet"]

MOST_SHOWN = 200
"""Thumbnails of a folder, the least sure ones: a thousand of them are 8 MB."""

_SIDE = 200  # pixels of a thumbnail, the middle square: sharp on a phone, where it is shown at half of it
_QUALITY = 70  # of WebP


@dataclass(frozen=True)
class _Column:
    """A folder on the sheet: its name, the class it is for (None: unsure, none), its pictures and their number."""

    folder: str
    label: str | None
    note: str | None
    pictures: list[dict[str, Any]]
    count: int


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
    for entry in result.entries:
        if len(first[entry.folder]) < MOST_SHOWN:
            first[entry.folder].append(entry)
    thumbnails = iter(_thumbnails(result.into, [entry for several in first.values() for entry in several]))
    columns = [
        _Column(
            name, labels.get(name), notes.get(name),
            [_picture(entry, next(thumbnails)) for entry in first[name]], result.counts[name],
        )
        for name in result.counts
    ]  # fmt: skip
    page = _template().render(
        columns=columns, result=result, total=len(result.entries), table=RESULTS,
        done={"copy": "copied", "link": "linked", "move": "moved"}[result.how],
    )  # fmt: skip
    write_text(result.sheet, page)


@cache
def _template() -> Any:
    with needs("the contact sheet"):
        import jinja2
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("t2w.sorting", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"shown": shown, "percent": lambda share: f"{100 * share:.0f} %"}
    return environment.get_template("sheet.html")


def _picture(entry: Entry, thumbnail: str | None) -> dict[str, Any]:
    address = quote(os.fsencode(f"{entry.folder}/{entry.name}"))
    return {"entry": entry, "address": address, "thumbnail": thumbnail}


def _thumbnails(into: Path, entries: Sequence[Entry]) -> list[str | None]:
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        made = pool.map(_thumbnail, [entry.place(into) for entry in entries])
        return list(track(made, "contact sheet", total=len(entries), unit="image"))


def _thumbnail(path: Path) -> str | None:
    """A small picture as the address of a WebP; None where the file can no longer be read."""
    from PIL import Image, ImageOps

    try:
        whole = Image.fromarray(read_image(path, min_side=_SIDE))
    except T2WError:
        return None
    buffer = io.BytesIO()
    ImageOps.fit(whole, (_SIDE, _SIDE)).save(buffer, format="webp", quality=_QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
