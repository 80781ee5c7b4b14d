"""Photographs, sorted by what a classifier says of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from t2w.errors import T2WError
from t2w.files import not_written, write_text
from t2w.images import Refused
from t2w.progress import progress
from t2w.sorting.decide import LOG, RESULTS, SHEET, UNSURE_BELOW, SortFolders, decide
from t2w.sorting.entry import Entry, How, Mark, SortResult
from t2w.sorting.log import SortLog, opened_log
from t2w.sorting.names import folded, free_name
from t2w.sorting.photographs import find_photographs
from t2w.sorting.recover import class_folder, recover
from t2w.sorting.sheet import write_sheet
from t2w.sorting.table import table
from t2w.sorting.transfer import Left, same_photograph, transfer

if TYPE_CHECKING:
    from t2w.classifier import Classifier
    from t2w.prediction import PredictedBatch

__all__ = ["sort_photos"]


def sort_photos(
    classifier: Classifier,
    photos: str | Path | Sequence[str | Path],
    into: str | Path,
    *,
    how: How = "copy",
    unsure_below: float = UNSURE_BELOW,
    batch_size: int = 64,
) -> SortResult:
    """Sort photographs into a folder for each class, with a contact sheet and a table beside the folders.

    It may be stopped at any moment: the same call goes on, and nothing is lost or there twice. Photographs that were
    sorted before are known by the log in `into` and not classified again.

    Args:
        classifier: says what they show.
        photos: image files, or folders with all images under them. Symbolic links are not followed.
        into: the sorted folder; it may lie inside that of the photographs.
        how: "copy" with times and permissions; "link", a hard link, which takes no space and outlives the other name;
            "move", which `undo_sort` takes back.
        unsure_below: the least probability of the best class that is sure, 0 to 1.
        batch_size: photographs at once.

    Raises:
        T2WError: nothing to sort; `into` cannot be written, is full, or holds photographs that were sorted otherwise;
            photographs lie in it; another process sorts into it; or hard links that the file system does not allow.
    """
    into = Path(into)
    if how not in get_args(How):
        raise T2WError(f"how is {how!r:.40}", expected="copy, link or move")
    if not 0 <= unsure_below <= 1:
        raise T2WError(f"unsure_below is {unsure_below}", expected="a probability, 0 to 1")
    paths = [photos] if isinstance(photos, str | Path) else list(photos)
    found, refused = find_photographs(paths, into)
    if not found and not (into / LOG).is_file():
        raise refused[0][1] if refused else T2WError(f"there are no images in {', '.join(map(str, paths[:3]))}")
    with opened_log(into, create=True) as log:
        recover(log)
        log.begin(how, classifier.classes)
        known = _known(found, log)
        new = [path for path in found if path not in known]
        work = _Sort(log, log.folders, unsure_below, found, refused)
        with progress("photographs", total=len(new), unit="image") as bar:
            for batch in classifier.classify_each(new, batch_size=batch_size):
                work.take(new, batch)
                bar.update(len(batch.positions) + len(batch.refused))
        entries = _entries_in(log)
        counts = dict.fromkeys(log.folders.names, 0) | Counter(entry.folder for entry in entries)
        gone = len(log.placed) - len(entries)
        result = SortResult(into, how, counts, tuple(entries), work.new, tuple(refused), gone, into / SHEET)
        write_text(into / RESULTS, table(entries))
        write_sheet(result, log.folders, unsure_below=unsure_below)
    return result


def _entries_in(log: SortLog) -> list[Entry]:
    """The photographs that are in their places, folder by folder, the least sure first."""
    there = [entry for entry in log.placed.values() if os.path.lexists(entry.place(log.into))]
    return sorted(there, key=lambda entry: (entry.folder, entry.best[0][1], entry.name))


def _known(found: Mapping[Path, Mark], log: SortLog) -> set[Path]:
    """Photographs that the log knows as they are now; those moved, and put back by hand, are undone in it."""
    known: set[Path] = set()
    for number, entry in list(log.placed.items()):
        if (mark := found.get(entry.source)) is None:
            continue
        place = entry.place(log.into)
        there = os.path.lexists(place)
        if entry.mark == mark and not there and log.how == "move":
            log.note("undone", number)
        elif entry.mark == mark or (there and same_photograph(entry.source, place)):
            known.add(entry.source)
    return known


@dataclass
class _Sort:
    """Brings batches of classified photographs into their places."""

    log: SortLog
    folders: SortFolders
    unsure_below: float
    marks: Mapping[Path, Mark]
    refused: list[Refused]
    new: int = 0
    _names: dict[str, set[str]] = field(default_factory=dict)

    def take(self, paths: Sequence[Path], batch: PredictedBatch) -> None:
        self.refused += [(paths[position], error) for position, error in batch.refused]
        entries = []
        for row, position in enumerate(batch.positions):
            assert batch.prediction is not None  # the batch has rows
            path = paths[position]
            entry = decide(
                path, batch.prediction, row, self.folders, unsure_below=self.unsure_below, mark=self.marks[path]
            )
            entries.append(self._named(entry))
        for number, entry in zip(self.log.intend(entries), entries, strict=True):
            self._place(number, entry)

    def _place(self, number: int, entry: Entry) -> None:
        place = entry.place(self.log.into)
        assert entry.mark is not None  # `take` gives one
        try:
            transfer(entry.source, place, entry.mark, self.log.how)
        except Left as error:
            self.log.note("dropped", number)
            self.refused.append((entry.source, error))
        except FileExistsError:  # somebody else's, since the names were listed
            self.log.note("dropped", number)
            entry = self._named(replace(entry, name=entry.source.name))
            self._place(self.log.intend([entry])[0], entry)
        except OSError as error:
            raise not_written(place, error) from error
        else:
            self.log.note("done", number)
            self.new += 1

    def _named(self, entry: Entry) -> Entry:
        """The entry with a file name that is free in its folder."""
        if entry.folder not in self._names:
            folder = class_folder(self.log.into, entry.folder)
            try:
                there = os.listdir(folder)
            except OSError as error:
                raise not_written(folder, error) from error
            before = (one.name for one in self.log.placed.values() if one.folder == entry.folder)
            self._names[entry.folder] = {folded(name) for name in (*there, *before)}
        used = self._names[entry.folder]
        name = free_name(entry.name, used)
        used.add(folded(name))
        return replace(entry, name=name)
