"""Moved photographs back to where they were."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from t2w.errors import T2WError
from t2w.files import not_written
from t2w.images import Refused
from t2w.progress import track
from t2w.sorting.decide import LOG, RESULTS, SHEET
from t2w.sorting.entry import Entry, Mark
from t2w.sorting.log import SortLog, opened_log
from t2w.sorting.recover import recover
from t2w.sorting.transfer import Left, clear_leftovers, holds_the_name_only, same_photograph, transfer

__all__ = ["Undone", "undo_sort"]


@dataclass(frozen=True)
class Undone:
    """What an undo comes to.

    Attributes:
        moved: photographs that are back where they were.
        refused: those that are not, by where they should be, and why.
    """

    moved: int
    refused: tuple[Refused, ...]


def undo_sort(into: str | Path) -> Undone:
    """Move every photograph of a sorted folder back, by its log; nothing that is at its old place is overwritten.

    When all are back, the contact sheet, the table, the log and the empty folders are removed. It may be stopped at
    any moment, and the same call goes on.

    Args:
        into: a folder that `sort_photos` has moved photographs into.

    Raises:
        T2WError: it holds no log, or copies or links; or a folder cannot be written.
    """
    into = Path(into)
    refused: list[Refused] = []
    moved = 0
    with opened_log(into, create=False) as log:
        if log.how != "move" and (log.placed or log.pending):
            raise T2WError(
                f"the photographs in {into} are there by {log.how}", expected="photographs that were moved",
                fix="they are still where they were: delete the folder",
            )  # fmt: skip
        recover(log)
        for folder in {entry.source.parent for entry in log.placed.values()}:
            clear_leftovers(folder)
        for number, entry in track(list(log.placed.items()), "photographs", total=len(log.placed), unit="image"):
            try:
                _back(log, number, entry)
            except T2WError as error:
                refused.append((entry.source, error))
            except OSError as error:
                raise not_written(entry.source, error) from error
            else:
                log.note("undone", number)
                moved += 1
        if not refused:
            _clear(log)
    return Undone(moved, tuple(refused))


def _back(log: SortLog, number: int, entry: Entry) -> None:
    place = entry.place(log.into)
    if not os.path.lexists(place):
        if os.path.lexists(entry.source) and Mark.of(entry.source.lstat()) == entry.mark:
            return  # an undo was stopped before it wrote that down
        raise Left(f"{place} is no longer there", expected="the photograph that was moved there")
    if same_photograph(entry.source, place):
        place.unlink()  # an undo was stopped between the two places
        return
    if number in log.returning and holds_the_name_only(entry.source, place):
        entry.source.unlink()
    taken = Left(f"{entry.source} is another file now", fix=f"its photograph is {place}")
    if os.path.lexists(entry.source):
        raise taken
    log.note("returning", number)
    entry.source.parent.mkdir(parents=True, exist_ok=True)
    try:
        transfer(place, entry.source, Mark.of(place.lstat()), "move")
    except FileExistsError as error:
        raise taken from error


def _clear(log: SortLog) -> None:
    """Remove what the sort made beside the photographs, the log last; what somebody else put there stays."""
    try:
        for name in (SHEET, RESULTS):
            (log.into / name).unlink(missing_ok=True)
        for folder in (log.into / name for name in log.folders.names):
            if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
                folder.rmdir()
        (log.into / LOG).unlink()
        if not any(log.into.iterdir()):
            log.into.rmdir()
    except OSError as error:
        raise not_written(log.into, error) from error
