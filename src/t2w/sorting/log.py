"""The written log of a sorted folder: what was meant to happen before it does, and that it did after.

Lines of JSON, only ever added to. A first line says how the folder is sorted; then for each photograph an entry, and
{"done": number} once it is in place, {"dropped": number} where it stayed at its source, {"returning": number} before it
is moved back and {"undone": number} after. A line that a killed process left half written is cut off.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from t2w.errors import T2WError
from t2w.files import not_written
from t2w.sorting.decide import LOG, RESULTS, SHEET, SortFolders
from t2w.sorting.entry import Entry, How, Mark

__all__ = ["SortLog", "opened_log"]

_FORMAT = 1


@dataclass
class SortLog:
    """The log, open and locked.

    Attributes:
        into: the sorted folder.
        how: "copy", "link" or "move".
        classes: the classes in their order.
        placed: entries by number, of photographs that are in place.
        pending: entries by number, of which that is not known.
        returning: numbers of placed entries that an undo was bringing back, to names that were free.
    """

    into: Path
    handle: int
    how: How = "copy"
    classes: tuple[str, ...] = ()
    placed: dict[int, Entry] = field(default_factory=dict)
    pending: dict[int, Entry] = field(default_factory=dict)
    returning: set[int] = field(default_factory=set)
    _last: int = 0

    @property
    def folders(self) -> SortFolders:
        return SortFolders.for_classes(self.classes)

    def begin(self, how: How, classes: Sequence[str]) -> None:
        """Say how the folder is sorted.

        Raises:
            T2WError: photographs are in it that were sorted in another way.
        """
        if not self.placed and not self.pending:
            os.ftruncate(self.handle, 0)
            self._write([{"format": _FORMAT, "how": how, "classes": list(classes)}], sync=True)
            self.how, self.classes = how, tuple(classes)
        elif self.classes != tuple(classes):
            names = ", ".join([*self.classes[:5], *(["..."] if len(self.classes) > 5 else [])])
            raise T2WError(
                f"{self.into} is sorted into {names}",
                expected="the same classes",
                fix="choose another folder for these",
            )
        elif self.how != how:
            raise T2WError(
                f"the photographs in {self.into} are there by {self.how}", expected=f"the same, not {how}",
                fix="choose another folder",
            )  # fmt: skip

    def intend(self, entries: Sequence[Entry]) -> list[int]:
        """Write down what is about to happen, on the disk before it does; the numbers of the entries."""
        numbers = list(range(self._last + 1, self._last + 1 + len(entries)))
        self._write(
            [{"number": number, **_to_dict(entry)} for number, entry in zip(numbers, entries, strict=True)], sync=True
        )
        self._last += len(entries)
        self.pending |= dict(zip(numbers, entries, strict=True))
        return numbers

    def note(self, event: Literal["done", "dropped", "returning", "undone"], number: int) -> None:
        """Write down what has happened to an entry, or for "returning" what is about to."""
        self._write([{event: number}])
        self._take({event: number})

    def _write(self, lines: Sequence[dict[str, Any]], *, sync: bool = False) -> None:
        text = "".join(json.dumps(line) + "\n" for line in lines).encode("ascii")
        before = os.fstat(self.handle).st_size
        try:
            while text:
                text = text[os.write(self.handle, text) :]
            if sync:
                os.fsync(self.handle)
        except OSError as error:
            os.ftruncate(self.handle, before)  # a full disk takes a part of a line
            raise not_written(self.into / LOG, error) from error

    def _read(self) -> None:
        content = (self.into / LOG).read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        for position, line in enumerate(whole.splitlines()):
            try:
                (self._take if position else self._begun)(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise T2WError(
                    f"line {position + 1} of {self.into / LOG} is damaged ({error})", expected="the log of a sort",
                    fix="choose another folder; the photographs in this one are whole",
                ) from error  # fmt: skip
        os.ftruncate(self.handle, len(whole))

    def _begun(self, line: dict[str, Any]) -> None:
        if line["format"] != _FORMAT or line["how"] not in get_args(How):
            raise ValueError("of another format")
        self.how, self.classes = line["how"], tuple(map(str, line["classes"]))

    def _take(self, line: dict[str, Any]) -> None:
        if "number" in line:
            self._last = int(line["number"])
            self.pending[self._last] = _from_dict(line)
        elif "done" in line:
            self.placed[line["done"]] = self.pending.pop(line["done"])
        elif "dropped" in line:
            del self.pending[line["dropped"]]
        elif "returning" in line:
            self.returning.add(line["returning"])
        else:
            del self.placed[line["undone"]]


@contextmanager
def opened_log(into: Path, *, create: bool) -> Iterator[SortLog]:
    """The log of a sorted folder, in which no other process works meanwhile.

    Args:
        create: make the folder and the log where there is none.

    Raises:
        T2WError: there is none; it cannot be written; it is damaged; another process is at work there; or files are
            there in the place of those that a sort writes.
    """
    path = into / LOG
    if not path.is_file():
        if not create:
            raise T2WError(f"there is no {path}", expected="a folder that `t2w sort --move` has written")
        if taken := next((name for name in (SHEET, RESULTS, LOG) if os.path.lexists(into / name)), None):
            raise T2WError(f"{into} holds another {taken}", expected="a new folder, or one that t2w has sorted")
    try:
        into.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | (os.O_CREAT if create else 0)
        handle = os.open(path, flags, 0o666)
    except OSError as error:
        raise not_written(path, error) from error
    try:
        _lock(handle, into)
        log = SortLog(into, handle)
        log._read()
        yield log
    finally:
        os.close(handle)  # which ends the lock, as the end of the process does


def _lock(handle: int, into: Path) -> None:
    with suppress(ImportError):  # Windows has no such locks
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise T2WError(f"another process is sorting into {into}", fix="wait until it is done") from error


def _to_dict(entry: Entry) -> dict[str, Any]:
    return {
        "source": str(entry.source), "folder": entry.folder, "name": entry.name, "best": entry.best,
        "looks_like": entry.looks_like, **({} if entry.mark is None else vars(entry.mark)),
    }  # fmt: skip


def _from_dict(line: dict[str, Any]) -> Entry:
    for part in (line["folder"], line["name"]):  # a log from elsewhere must not lead out of its folder
        if part in ("", ".", "..") or Path(part).name != part:
            raise ValueError(f"{part!r:.60} is no name in a folder")
    best = tuple((str(name), float(share)) for name, share in line["best"])
    if not best:
        raise ValueError("no class")
    mark = Mark(int(line["size"]), int(line["mtime_ns"]))
    return Entry(Path(line["source"]), line["folder"], line["name"], best, line["looks_like"], mark)
