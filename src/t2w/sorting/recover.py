"""What a killed sort left open: every photograph of it is found at its source, in its place, or at both."""

from __future__ import annotations

import os
from pathlib import Path

from t2w.errors import T2WError
from t2w.files import not_written
from t2w.sorting.entry import Entry, How, Mark
from t2w.sorting.log import SortLog
from t2w.sorting.transfer import clear_leftovers, holds_the_name_only, same_photograph

__all__ = ["class_folder", "recover"]


def recover(log: SortLog) -> None:
    """Settle the entries of which the log does not say whether they came into their place, and remove half copies.

    Raises:
        T2WError: the folder cannot be written, or a link is in the place of a class folder.
    """
    for name in log.folders.names:
        if os.path.lexists(log.into / name):
            clear_leftovers(class_folder(log.into, name))
    for number, entry in sorted(log.pending.items()):
        try:
            settled = _settled(entry, entry.place(log.into), log.how)
        except OSError as error:
            raise not_written(entry.place(log.into), error) from error
        log.note("done" if settled else "dropped", number)


def class_folder(into: Path, name: str) -> Path:
    """The folder of that name inside `into`, made where there is none.

    Raises:
        T2WError: it cannot be made, or a file or a link that leads elsewhere is in its place.
    """
    path = into / name
    try:
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            kind = "a symbolic link" if path.is_symlink() else "a file"
            raise T2WError(f"{path} is {kind}", expected="a folder for photographs, or nothing")
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise not_written(path, error) from error
    return path


def _settled(entry: Entry, place: Path, how: How) -> bool:
    """Whether the photograph is in its place; of a move, what is still at the source is then removed."""
    if not os.path.lexists(place):
        return False
    state = place.lstat()
    if not os.path.lexists(entry.source):
        return Mark.of(state) == entry.mark
    if same_photograph(entry.source, place):
        if how == "move":
            os.unlink(entry.source)
        return True
    if holds_the_name_only(place, entry.source):
        place.unlink()
        return False
    return Mark.of(state) == entry.mark  # whole, and the source has changed since
