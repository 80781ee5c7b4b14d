"""A sorted folder as one zip file."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

from t2w.errors import T2WError
from t2w.files import atomic_path
from t2w.sorting.decide import RESULTS
from t2w.sorting.entry import Entry
from t2w.sorting.names import folded, free_name, shown
from t2w.sorting.table import table

__all__ = ["write_zip"]


def write_zip(entries: Sequence[Entry], path: str | Path, *, into: str | Path | None = None) -> Path:
    """Write photographs into a zip file, in the folders that a sort puts them in, with results.csv; whole or not.

    Entries of the same folder and name are kept apart. Nothing is compressed: photographs are already.

    Args:
        into: the sorted folder that the photographs are read from; None for their sources.

    Raises:
        T2WError: a photograph cannot be read, or the file cannot be written.
    """
    used: dict[str, set[str]] = {}
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", strict_timestamps=False) as archive:
        for entry in entries:
            names = used.setdefault(folded(entry.folder), set())
            name = free_name(PureWindowsPath(entry.name).name or "photograph", names)  # no path that leads elsewhere
            names.add(folded(name))
            place = entry.source if into is None else entry.place(Path(into))
            try:
                place.open("rb").close()
            except OSError as error:
                raise T2WError(f"cannot read {place}: {error.strerror or error}", expected="a photograph") from error
            archive.write(place, shown(f"{entry.folder}/{name}"))
        archive.writestr(RESULTS, table(entries))
    return Path(path)
