"""A classifier that goes by file names alone and needs no torch: cat-1.jpg is a cat, unsure-1.jpg nearly one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from t2w.errors import T2WError
from t2w.prediction import PredictedBatch, Prediction


class Values(list):
    """Numbers with the few methods of a tensor that are used."""

    def tolist(self) -> list[Any]:
        return list(self)

    def topk(self, k: int) -> Any:
        order = sorted(range(len(self)), key=lambda i: -self[i])[:k]

        class Top:
            values = Values(self[i] for i in order)
            indices = Values(order)

        return Top


class ByName:
    """Stands for a Classifier.

    Args:
        before_batch: called with the files of a batch when they have been classified, before anybody is told.
    """

    def __init__(
        self, classes: Sequence[str] = ("cat", "dog"), before_batch: Callable[[Sequence[Path]], None] | None = None
    ) -> None:
        self.classes, self.before_batch = tuple(classes), before_batch
        self.seen: list[Path] = []

    def classify_each(self, images: Sequence[Path], *, none: bool = True, batch_size: int = 64) -> Iterator[Any]:
        for start in range(0, len(images), batch_size):
            files = images[start : start + batch_size]
            self.seen += files
            if self.before_batch is not None:
                self.before_batch(files)
            bad = {i for i, file in enumerate(files) if file.name.startswith("bad")}
            good = [i for i in range(len(files)) if i not in bad]
            yield PredictedBatch(
                tuple(start + i for i in good),
                self._prediction([files[i] for i in good]) if good else None,
                tuple((start + i, T2WError(f"{files[i]} is damaged")) for i in sorted(bad)),
            )

    def classify(self, images: Sequence[Path]) -> Any:
        return self._prediction(images)

    def _prediction(self, files: Sequence[Path]) -> Any:
        rows = []
        for file in files:
            label = file.name.partition("-")[0]
            best = self.classes.index(label) if label in self.classes else 0
            share = 0.55 if label == "unsure" else 0.95
            rows.append(Values(share if i == best else (1 - share) for i in range(len(self.classes))))
        none = [file.name.startswith("none") for file in files]
        labels = tuple(self.classes[row.index(max(row))] for row in rows)
        return Prediction(self.classes, rows, labels, none, ("boat",) * len(files))  # type: ignore[arg-type]


def photographs(folder: Path, *names: str) -> list[Path]:
    """Files with contents of their own, and a time of their own."""
    paths = [folder / name for name in names]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"the photograph " + os.fsencode(path) * (1 + number))
        os.utime(path, ns=(10**18 + number, 10**18 + number))
    return paths


def contents(folder: Path) -> dict[str, bytes]:
    """What is in the class folders below `folder`, by relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.parent != folder
    }
