"""What one open page holds: its pictures with their features, what the person said of them, and the classifier."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, RLock
from typing import TYPE_CHECKING

from t2w.sorting.decide import SortFolders, decide
from t2w.sorting.entry import Entry

if TYPE_CHECKING:
    from torch import Tensor

    from t2w.classifier import Classifier
    from t2w.prediction import Prediction
    from t2w.words import Choice

__all__ = ["Picture", "Placed", "Session"]


@dataclass(frozen=True)
class Picture:
    """An uploaded picture."""

    number: int  # its name on the page
    name: str  # its path as the person has it, for reading only: nothing is ever opened by it
    file: Path  # where it is kept
    size: int  # of that, in bytes


@dataclass(frozen=True)
class Placed(Entry):
    """A picture in its column. Its `source` is the person's own path."""

    picture: Picture = field(kw_only=True)
    by_hand: bool = field(kw_only=True)  # whether the person put it there

    def place(self, into: Path) -> Path:
        """Where it can be read, whatever folder it is sorted into."""
        return self.picture.file


@dataclass(eq=False)
class Session:
    """One person's work."""

    token: str  # a secret by which a reloaded page finds it again
    folder: Path  # its own, with pictures and downloads
    lock: RLock = field(default_factory=RLock)  # of whoever changes it, for as long as a classifier takes to be written
    counting: Lock = field(default_factory=Lock)  # of `kept_bytes`
    encoding: Lock = field(default_factory=Lock)  # taken before `lock`: no picture is encoded by two requests
    typed: str = ""  # the class names
    texts: dict[str, str] = field(default_factory=dict)  # descriptions by class name, beside those typed
    senses: dict[str, str] = field(default_factory=dict)  # chosen meanings by class name, as WordNet ids
    learn: bool = False  # whether pictures without labels are evidence
    pictures: dict[int, Picture] = field(default_factory=dict)  # by number
    digests: set[bytes] = field(default_factory=set)  # of their files, by which copies are passed over
    kept_bytes: int = 0  # of all files, those in transfer included
    features: dict[int, Tensor] = field(default_factory=dict)  # (d,) of each picture that was encoded
    refused: list[tuple[str, str]] = field(default_factory=list)  # names of files that cannot be used, and why
    labels: dict[int, str | None] = field(default_factory=dict)  # the class a person put a picture into; None: none
    choices: tuple[Choice, ...] = ()  # how the names are understood; () where the generator reads texts alone
    classifier: Classifier | None = None  # the last one written
    prediction: Prediction | None = None  # a row for each of `order`
    order: tuple[int, ...] = ()  # numbers of the classified pictures
    notes: tuple[str, ...] = ()  # what is to be said of the classifier
    told: str = ""  # what the last change did to the board

    @property
    def waiting(self) -> list[Picture]:
        """Pictures that were not encoded yet."""
        return [picture for number, picture in self.pictures.items() if number not in self.features]

    @contextmanager
    def changing(self) -> Iterator[None]:
        """A change of what the person says: taken back where it leads to an error, and told of where it does not."""
        with self.lock:
            before = {one.picture.number: one.folder for one in self.placed()}
            said = (self.typed, dict(self.texts), dict(self.senses), self.learn, dict(self.labels))
            try:
                yield
            except Exception:
                self.typed, self.texts, self.senses, self.learn, self.labels = said
                raise
            put = {number for number, label in self.labels.items() if (number, label) not in said[-1].items()}
            after = self.placed()
            names = [one.name for one in after if one.picture.number in put]
            moved = [one for one in after if before.get(one.picture.number, one.folder) != one.folder]
            others = sum(one.picture.number not in put for one in moved)
            self.told = _told(names, others) if before else ""

    def keep(self, size: int) -> int:
        """Count bytes that are kept, or no longer where `size` is negative; how many there are then."""
        with self.counting:
            self.kept_bytes += size
            return self.kept_bytes

    def drop(self, picture: Picture, reason: str) -> None:
        """Refuse a picture that was taken."""
        del self.pictures[picture.number]
        self.keep(-picture.size)
        picture.file.unlink(missing_ok=True)
        self.refused.append((picture.name, reason))

    def placed(self) -> list[Placed]:
        """The classified pictures in their columns, those put there by hand first, then the least sure."""
        if self.prediction is None:
            return []
        folders = SortFolders.for_classes(self.prediction.classes)
        found = []
        for row, number in enumerate(self.order):
            picture, label = self.pictures[number], self.labels.get(number, "")
            entry = decide(picture.name, self.prediction, row, folders)
            by_hand = folders.none if label is None else folders.of.get(label)  # not of a class that is there no longer
            found.append(
                Placed(
                    entry.source, by_hand or entry.folder, entry.name, entry.best, entry.looks_like,
                    picture=picture, by_hand=by_hand is not None,
                )
            )  # fmt: skip
        return sorted(found, key=lambda one: (not one.by_hand, one.best[0][1]))


def _told(put: list[str], others: int) -> str:
    changed = f"{others or 'No'} {'other ' * bool(put)}picture{'s' * (others > 1)} changed column."
    if not put:
        return changed
    said = f"{put[0]} is where you put it." if len(put) == 1 else f"{len(put)} are where you put them."
    return f"{said} {changed}"
