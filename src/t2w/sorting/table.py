"""The table beside the folders: a line for each photograph."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from t2w.sorting.entry import Entry
from t2w.sorting.names import shown

__all__ = ["table"]

_HEAD = ("file", "source", "folder", "class", "probability", "second", "second_probability", "looks_like")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would work out


def table(entries: Sequence[Entry]) -> str:
    """The entries as CSV, with the mark by which Excel knows UTF-8; cells that begin like a formula begin with "'"."""
    text = io.StringIO(newline="")
    text.write("\ufeff")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEAD)
    for entry in entries:
        classes = [cell for name, share in entry.best for cell in (name, f"{share:.4f}")]
        cells = [f"{entry.folder}/{entry.name}", str(entry.source), entry.folder, *classes]
        cells += [""] * (len(_HEAD) - 1 - len(cells)) + [entry.looks_like or ""]
        writer.writerow([shown(f"'{cell}" if cell.startswith(_FORMULA) else cell) for cell in cells])
    return text.getvalue()
