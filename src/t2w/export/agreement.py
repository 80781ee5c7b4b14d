"""Nothing is written that does not answer as the classifier does: on which pictures, and within what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from t2w.errors import T2WError

if TYPE_CHECKING:
    from t2w.prediction import Prediction

__all__ = ["check_agreement", "made_up"]

_TOLERANCE = 1e-4  # of a probability: rounding


def check_agreement(
    what: str,
    expected: Prediction,
    probabilities: np.ndarray,
    none: np.ndarray | None,
    *,
    tolerance: float = _TOLERANCE,
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


def made_up(number: int, shape: tuple[int, ...], *, top: int = 255, seed: int = 0) -> np.ndarray:
    """Coloured waves with some noise.

    Args:
        shape: (H, W) or (H, W, 3).
        top: the largest value.

    Returns:
        (number, *shape) uint8.
    """
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]][..., None] / max(shape[:2])
    pictures = np.empty((number, *shape), dtype=np.uint8)
    for picture in pictures:
        channels = picture[..., None] if picture.ndim == 2 else picture
        a, b, c = random.uniform(0, 40, (3, channels.shape[2]))
        waves = 0.5 + 0.4 * np.sin(a * x + b * y + c) + random.normal(0, 0.1, channels.shape)
        channels[:] = top * np.clip(waves, 0, 1)
    return pictures
