"""A classifier on a folder of class folders: what it gets right, what it takes for what, how sure it is."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from t2w.errors import T2WError, T2WWarning
from t2w.evaluation.class_folders import find_class_folders
from t2w.evaluation.statistics import Calibration, Interval, calibration, wilson
from t2w.extras import MissingExtra
from t2w.files import write_json
from t2w.progress import progress

if TYPE_CHECKING:
    from t2w.classifier import Classifier

__all__ = ["ClassScore", "FolderEvaluation", "evaluate_folder", "write_evaluation"]


@dataclass(frozen=True)
class ClassScore:
    """How the images of one class fared.

    Attributes:
        name: the class.
        images: how many there are.
        right: how many were recognised.
        accuracy: right / images with its 95 % Wilson interval; None without an image.
        mistaken_for: the class they were most often taken for instead; None if never.
    """

    name: str
    images: int
    right: int
    accuracy: Interval | None
    mistaken_for: str | None


@dataclass(frozen=True, eq=False)
class FolderEvaluation:
    """The answers of a classifier for N images.

    Attributes:
        classes: the classifier's n classes.
        truth: (N,) int64, position of each image's class.
        predicted: (N,) int64, position of the class it was given.
        confidence: (N,) probability of that class, 0..1.
        refused: files that could not be read, with the reasons; they count neither as right nor as wrong.
        skipped: folders that were left out.
    """

    classes: tuple[str, ...]
    truth: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    refused: tuple[tuple[Path, str], ...] = ()
    skipped: tuple[str, ...] = ()

    @cached_property
    def confusion(self) -> np.ndarray:
        """(n, n) int64: images of class row that were taken for class column."""
        matrix = np.zeros((len(self.classes), len(self.classes)), dtype=np.int64)
        np.add.at(matrix, (self.truth, self.predicted), 1)
        return matrix

    @property
    def accuracy(self) -> Interval:
        """The share of images that are recognised, with its 95 % Wilson interval."""
        return wilson(int((self.truth == self.predicted).sum()), len(self.truth))

    @property
    def calibration(self) -> Calibration:
        return calibration(self.confidence, self.truth == self.predicted)

    @property
    def by_class(self) -> tuple[ClassScore, ...]:
        """One score per class, in the classifier's order, also of classes without images."""
        scores = []
        for i, (name, row) in enumerate(zip(self.classes, self.confusion, strict=True)):
            images, right = int(row.sum()), int(row[i])
            wrong = row * (np.arange(len(row)) != i)
            mistaken = self.classes[int(wrong.argmax())] if wrong.any() else None
            scores.append(ClassScore(name, images, right, wilson(right, images) if images else None, mistaken))
        return tuple(scores)

    def to_dict(self) -> dict[str, Any]:
        """All figures but the matrix and the bins, which are files of their own."""
        scores = self.by_class
        present = [score.accuracy.mean for score in scores if score.accuracy is not None]
        return {
            "images": len(self.truth),
            "accuracy": _interval(self.accuracy),
            "mean_class_accuracy": float(np.mean(present)),
            "expected_calibration_error": self.calibration.error,
            "classes": [
                {
                    "name": score.name, "images": score.images, "right": score.right,
                    "accuracy": _interval(score.accuracy), "most_mistaken_for": score.mistaken_for,
                }
                for score in scores
            ],
            "refused": [{"path": str(path), "error": reason} for path, reason in self.refused],
            "skipped_folders": list(self.skipped),
        }  # fmt: skip


def _interval(value: Interval | None) -> dict[str, float] | None:
    return None if value is None else {"value": value.mean, "ci_low": value.low, "ci_high": value.high}


def evaluate_folder(
    classifier: Classifier, folder: str | Path, *, skip_unknown: bool = False, batch_size: int = 64
) -> FolderEvaluation:
    """Classify every image under `folder` and compare with the class its folder is named after.

    Args:
        classifier: its classes are matched to the folders' names.
        folder: holds one folder of images per class.
        skip_unknown: leave out folders that mean none of the classes.
        batch_size: images at once.

    Raises:
        T2WError: folders that do not fit the classes (see `find_class_folders`), or no image that can be read.
    """
    found = find_class_folders(folder, classifier.classes, skip_unknown=skip_unknown)
    positions: list[int] = []
    predicted, confidence = [], []
    refused = [(path, str(error)) for path, error in found.refused]
    with progress("images", total=len(found.files), unit="image") as bar:
        for batch in classifier.classify_each(found.files, none=False, batch_size=batch_size):
            if batch.prediction is not None:
                best = batch.prediction.probabilities.max(dim=1)
                positions += batch.positions
                predicted += best.indices.tolist()
                confidence += best.values.tolist()
            refused += [(found.files[position], str(error)) for position, error in batch.refused]
            bar.update(len(batch.positions) + len(batch.refused))
    if not positions:
        raise T2WError(
            f"none of the {len(found.files)} images in {folder} can be read", fix=f"the first: {refused[0][1]}"
        )
    truth = np.array(found.labels)[positions]
    return FolderEvaluation(
        classifier.classes, truth, np.array(predicted), np.array(confidence), tuple(refused), found.skipped
    )


def write_evaluation(folder: str | Path, evaluation: FolderEvaluation, about: Mapping[str, Any]) -> tuple[Path, ...]:
    """Write results.json, and confusion and calibration as JSON and PNG; each file whole or not at all.

    Args:
        folder: made where it is missing; other files in it stay.
        about: what was evaluated on what; stands at the top of results.json, which is written last.

    Returns:
        The results and the pictures.

    Warns:
        T2WWarning: the pictures are left out, because matplotlib is not installed.
    """
    from t2w.evaluation.folder_pictures import confusion_picture, reliability_picture

    folder = Path(folder)
    confusion = {
        "rows": "class of the image's folder", "columns": "class it was given", "classes": list(evaluation.classes),
        "matrix": evaluation.confusion.tolist(),
    }  # fmt: skip
    write_json(folder / "confusion.json", confusion, indent=None)
    write_json(folder / "calibration.json", asdict(evaluation.calibration))
    written = [folder / "results.json", folder / "confusion.png", folder / "calibration.png"]
    try:
        confusion_picture(written[1], evaluation.confusion, evaluation.classes)
        reliability_picture(written[2], evaluation.calibration)
    except MissingExtra as error:
        warnings.warn(f"the pictures are left out: {error}", T2WWarning, stacklevel=2)
        del written[1:]
    write_json(written[0], {**about, **evaluation.to_dict()})
    return tuple(written)
