"""Pictures of test examples, inlined."""

from __future__ import annotations

import base64
import io
from collections import Counter
from dataclasses import dataclass

import numpy as np

from t2w.errors import T2WError
from t2w.evaluation.report.data import ExampleGrid

__all__ = ["ClassCount", "by_class", "png_uri"]

_CRISP = 32  # images up to this many pixels a side are enlarged without blur


def png_uri(image: np.ndarray) -> tuple[str, bool]:
    """The image as a `data:` address, and whether it is small enough to be shown as crisp pixels.

    Raises:
        T2WError: not uint8 of shape (H, W) or (H, W, 3).
    """
    from matplotlib.image import imsave

    if (
        image.dtype != np.uint8
        or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3))
        or 0 in image.shape
    ):
        raise T2WError(
            f"an example image is {image.dtype} of shape {image.shape}", expected="uint8 of shape (H, W) or (H, W, 3)"
        )
    buffer = io.BytesIO()
    imsave(buffer, image, format="png", cmap="gray", vmin=0, vmax=255, metadata={"Software": ""})
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode(), max(image.shape[:2]) <= _CRISP


@dataclass(frozen=True)
class ClassCount:
    """How one class fared: `right` of `total` images, and the class it was most often taken for ("" if never)."""

    name: str
    right: int
    total: int
    mistaken_for: str


def by_class(grid: ExampleGrid) -> tuple[ClassCount, ...]:
    """The grid's examples counted by class, in the task's order; classes without an example are left out."""
    counts = []
    for name in grid.classes:
        said = [example.prediction for example in grid.examples if example.truth == name]
        wrong = Counter(prediction for prediction in said if prediction != name)
        if said:
            counts.append(ClassCount(name, said.count(name), len(said), wrong.most_common(1)[0][0] if wrong else ""))
    return tuple(counts)
