"""Nothing is written that does not answer as the classifier does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from t2w.errors import T2WError

if TYPE_CHECKING:
    from t2w.prediction import Prediction

__all__ = ["TOLERANCE", "check_agreement"]

TOLERANCE = 1e-4
"""Largest difference of a probability that is rounding."""


def check_agreement(
    what: str, expected: Prediction, probabilities: np.ndarray, none: np.ndarray | None, *, tolerance: float = TOLERANCE
) -> float:
    """The largest difference of a probability, where it is small enough.

    Args:
        what: is compared, for the error's sentence.
        expected: the classifier's own answer.
        probabilities: (N, n).
        none: (N,) bool; None where the classifier has no rule. One in fifty may differ: those on the threshold.

    Raises:
        T2WError: they differ by more than `tolerance`, or not a number.
    """
    difference = float(np.abs(expected.probabilities.numpy() - probabilities).max(initial=0.0))
    other = 0.0
    if expected.none is not None and none is not None:
        other = float((expected.none.numpy() != none).mean())
    if not difference <= tolerance or other > 0.02:  # also true for NaN
        raise T2WError(
            f"{what} would not answer as the classifier does: probabilities differ by {difference:.2g}, "
            f"none of these for {100 * other:.0f} % of the pictures",
            expected=f"at most {tolerance:g}",
            fix="nothing was written; please report this, with the versions of torch, onnx and onnxruntime",
        )
    return difference
