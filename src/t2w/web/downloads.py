"""What can be taken away: the classifier, its ONNX file, the sorted folder, the results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from t2w.errors import T2WError
from t2w.files import write_text
from t2w.sorting.archive import write_zip
from t2w.sorting.table import table

if TYPE_CHECKING:
    from t2w.web.session import Session

__all__ = ["DOWNLOADS", "prepare"]

DOWNLOADS = {
    "classifier.t2w": "Classifier (.t2w)",
    "classifier.onnx": "ONNX file",
    "sorted.zip": "Sorted folder (.zip)",
    "results.csv": "Results (.csv)",
}
"""File names, and what the page calls them."""


def prepare(session: Session, name: str) -> Path:
    """Write one of `DOWNLOADS` as things are now.

    Raises:
        T2WError: there is nothing to take away yet, or a package is missing for it.
    """
    path = session.folder / "files" / name
    with session.lock:
        classifier = session.classifier
        if classifier is None:
            raise T2WError("there is no classifier yet", fix="name the classes and write it")
        placed = session.placed()
        if name in ("sorted.zip", "results.csv") and not placed:
            raise T2WError("no pictures are sorted yet", fix="add some")
    if name == "classifier.t2w":
        classifier.save(path)
    elif name == "classifier.onnx":
        classifier.export(path, to="onnx")
    elif name == "results.csv":
        write_text(path, table(placed))
    else:
        write_zip(placed, path, into=session.folder)
    return path
