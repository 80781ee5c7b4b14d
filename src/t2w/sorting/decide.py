"""Which folder a photograph belongs into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from t2w.sorting.entry import Entry, Mark
from t2w.sorting.names import folder_names

if TYPE_CHECKING:
    from t2w.prediction import Prediction

__all__ = ["LOG", "RESULTS", "SHEET", "UNSURE_BELOW", "SortFolders", "decide"]

UNSURE_BELOW = 0.6
"""A photograph whose best class is less probable is unsure. See docs/sorting.md for what it was chosen by."""

UNSURE, NONE = "unsure", "none of these"
SHEET, RESULTS, LOG = "index.html", "results.csv", "t2w-sort.jsonl"


@dataclass(frozen=True)
class SortFolders:
    """The folders of a task.

    Attributes:
        of: the folder name of each class, in the order of the classes.
        unsure: that of photographs of which class is not sure.
        none: that of photographs of none of the classes.
    """

    of: Mapping[str, str]
    unsure: str = UNSURE
    none: str = NONE

    @classmethod
    def for_classes(cls, classes: Sequence[str]) -> SortFolders:
        names = folder_names(classes, taken=(UNSURE, NONE, SHEET, RESULTS, LOG))
        return cls(dict(zip(classes, names, strict=True)))

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.of.values(), self.unsure, self.none)


def decide(
    source: str | Path,
    prediction: Prediction,
    row: int,
    folders: SortFolders,
    *,
    unsure_below: float = UNSURE_BELOW,
    mark: Mark | None = None,
) -> Entry:
    """Where one photograph goes: to none of the classes, else to the unsure, else to its class.

    Args:
        source: its file.
        prediction: of any number of photographs.
        row: its own.
        unsure_below: the least probability of the best class that is sure, 0 to 1.
        mark: of the file before it was classified.
    """
    top = prediction.probabilities[row].topk(min(2, len(prediction.classes)))
    best = tuple(
        (prediction.classes[i], float(p)) for p, i in zip(top.values.tolist(), top.indices.tolist(), strict=True)
    )
    looks_like = None
    if prediction.none is not None and prediction.looks_like is not None and bool(prediction.none[row]):
        folder, looks_like = folders.none, prediction.looks_like[row]
    else:
        folder = folders.unsure if best[0][1] < unsure_below else folders.of[best[0][0]]
    return Entry(Path(source), folder, Path(source).name, best, looks_like, mark)
