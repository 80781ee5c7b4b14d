"""What one open page holds: its pictures with their features, what the person said of them, and the classifier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, RLock
from typing import TYPE_CHECKING

from t2w.errors import T2WError
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
    """An uploaded picture.

    Attributes:
        number: its name on the page.
        name: its path as the person has it, for reading only: nothing is ever opened by it.
        file: where it is kept.
        size: of that, in bytes.
    """

    number: int
    name: str
    file: Path
    size: int


@dataclass(frozen=True)
class Placed(Entry):
    """A picture in its column. Its `source` is the person's own path.

    Attributes:
        picture: which one.
        by_hand: whether the person put it there.
    """

    picture: Picture = field(kw_only=True)
    by_hand: bool = field(kw_only=True, default=False)

    def place(self, into: Path) -> Path:
        """Where it can be read, whatever folder it is sorted into."""
        return self.picture.file


@dataclass(eq=False)
class Session:
    """One person's work.

    Attributes:
        token: a secret by which a reloaded page finds it again.
        folder: its own, with pictures, thumbnails and downloads.
        lock: held by whoever changes it, for as long as a classifier takes to be written.
        counting: held while bytes are counted.
        typed: the class names as they were typed.
        texts: descriptions by class name, beside those typed.
        senses: chosen meanings by class name, as WordNet ids.
        learn: whether pictures without labels are evidence.
        pictures: by number.
        digests: of their files, by which copies are passed over.
        kept_bytes: that all of them take, files in transfer included.
        features: (d,) of each picture that was encoded.
        refused: (name, reason) of files that could not be used.
        labels: what the person says a picture shows, by number; None for none of the classes.
        choices: how the names are understood; () where the generator reads texts alone.
        classifier: the last one written; None before.
        prediction: a row for each of `order`.
        order: numbers of the classified pictures.
        notes: what is to be said of the classifier.
        told: what the last change did to the board.
    """

    token: str
    folder: Path
    lock: RLock = field(default_factory=RLock)
    counting: Lock = field(default_factory=Lock)
    typed: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    senses: dict[str, str] = field(default_factory=dict)
    learn: bool = False
    pictures: dict[int, Picture] = field(default_factory=dict)
    digests: set[bytes] = field(default_factory=set)
    kept_bytes: int = 0
    features: dict[int, Tensor] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)
    labels: dict[int, str | None] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    classifier: Classifier | None = None
    prediction: Prediction | None = None
    order: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    told: str = ""

    @property
    def waiting(self) -> list[Picture]:
        """Pictures that were not encoded yet."""
        return [picture for number, picture in self.pictures.items() if number not in self.features]

    @contextmanager
    def changing(self) -> Iterator[None]:
        """A change of what the person says: taken back where it leads to an error, and told of where it does not."""
        with self.lock:
            before, said = (
                self._where(),
                (self.typed, dict(self.texts), dict(self.senses), self.learn, dict(self.labels)),
            )
            try:
                yield
            except T2WError:
                self.typed, self.texts, self.senses, self.learn, self.labels = said
                raise
            by_hand = [number for number, label in self.labels.items() if (number, label) not in said[-1].items()]
            after = self._where()
            moved = [n for n, folder in after.items() if before.get(n, folder) != folder and n not in by_hand]
            self.told = _told([self.pictures[n].name for n in by_hand if n in after], len(moved)) if before else ""

    def _where(self) -> dict[int, str]:
        """The folder of each classified picture."""
        if self.classifier is None:
            return {}
        placed = self.placed(SortFolders.for_classes(self.classifier.classes))
        return {one.picture.number: one.folder for one in placed}

    def keep(self, size: int) -> int:
        """Count bytes that are kept, or no longer where `size` is negative; how many there are then."""
        with self.counting:
            self.kept_bytes += size
            return self.kept_bytes

    def drop(self, picture: Picture, reason: str) -> None:
        """Refuse a picture that was taken."""
        if self.pictures.pop(picture.number, None) is None:
            return
        self.keep(-picture.size)
        picture.file.unlink(missing_ok=True)
        self.refused.append((picture.name, reason))

    def placed(self, folders: SortFolders) -> list[Placed]:
        """The classified pictures in their columns, those put there by hand first, then the least sure."""
        if self.prediction is None:
            return []
        found = []
        for row, number in enumerate(self.order):
            picture = self.pictures[number]
            entry = decide(picture.name, self.prediction, row, folders)
            folder, by_hand = _by_hand(self.labels, number, folders)
            found.append(
                Placed(
                    entry.source, folder if by_hand else entry.folder, entry.name, entry.best, entry.looks_like,
                    picture=picture, by_hand=by_hand,
                )
            )  # fmt: skip
        return sorted(found, key=lambda one: (not one.by_hand, one.best[0][1]))


def _told(by_hand: Sequence[str], moved: int) -> str:
    name = by_hand[0].rpartition("/")[2] if by_hand else ""
    said = f"{name} is where you put it. " if len(by_hand) == 1 else f"{len(by_hand)} are where you put them. "
    rest = "other picture" if by_hand else "picture"
    others = f"{moved or 'No'} {rest}{'' if moved < 2 else 's'} changed column."
    return (said if by_hand else "") + others


def _by_hand(labels: Mapping[int, str | None], number: int, folders: SortFolders) -> tuple[str, bool]:
    """The folder that a person put a picture into, and whether he did; a class that is no longer there is forgotten."""
    if number not in labels:
        return "", False
    label = labels[number]
    if label is None:
        return folders.none, True
    return (folders.of[label], True) if label in folders.of else ("", False)
