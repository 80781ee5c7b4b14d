"""How far a classifier's probabilities are from how often it is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from t2w.errors import T2WError

__all__ = ["Calibration", "calibration"]


@dataclass(frozen=True)
class Calibration:
    """Confidence against accuracy, in bins of equal width.

    Attributes:
        error: the expected calibration error, 0..1: the mean over images of |accuracy - confidence| of their bin.
        edges: (B + 1,) from 0 to 1; a bin holds its upper edge.
        counts: (B,) images in each bin.
        accuracy: (B,) share of them that is right; None in an empty bin.
        confidence: (B,) their mean confidence; None in an empty bin.
    """

    error: float
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    accuracy: tuple[float | None, ...]
    confidence: tuple[float | None, ...]


def calibration(confidence: np.ndarray, right: np.ndarray, *, bins: int = 15) -> Calibration:
    """Compare what a classifier is sure of with what it gets right.

    Args:
        confidence: (N,) probability of the class it chose, 0..1.
        right: (N,) whether it was the image's class.
        bins: how many.

    Raises:
        T2WError: no image, sizes that differ, or confidences that are no probabilities.

    Source: Guo et al., On Calibration of Modern Neural Networks, arXiv 1706.04599, section 2.
    """
    confidence, right = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=bool)
    if confidence.shape != right.shape or confidence.ndim != 1 or not len(confidence):
        raise T2WError(f"{confidence.shape} confidences for {right.shape} answers", expected="one each, at least one")
    # Sums of float32 probabilities come out a little above 1.
    if not (np.isfinite(confidence).all() and confidence.min() >= 0 and confidence.max() <= 1 + 1e-5):
        raise T2WError(f"confidences run from {confidence.min():g} to {confidence.max():g}", expected="0 to 1")
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    hits, sums = (np.bincount(place, weights=values, minlength=bins) for values in (right, confidence))
    accuracy, mean = (
        tuple(float(each / n) if n else None for each, n in zip(total, counts, strict=True)) for total in (hits, sums)
    )
    error = float(np.abs(hits - sums).sum() / len(confidence))
    return Calibration(error, tuple(edges.tolist()), tuple(counts.tolist()), accuracy, mean)
