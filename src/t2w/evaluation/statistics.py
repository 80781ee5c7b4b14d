"""Means over tasks with bootstrap intervals, shares of images with Wilson's, and calibration."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from t2w.errors import T2WError
from t2w.extras import needs

__all__ = ["Calibration", "Interval", "bootstrap_mean", "calibration", "recovery", "wilson"]

_Z = 1.959963984540054  # of a normal distribution, 95 % lie within so many deviations


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % interval, all in the unit of the values."""

    mean: float
    low: float
    high: float


def bootstrap_mean(values: np.ndarray, *, resamples: int = 10_000, seed: int = 0) -> Interval:
    """The mean of `values` (T,) and its percentile bootstrap interval; of a single task an interval of no width."""
    with needs("a bootstrap interval"):
        from scipy.stats import bootstrap

    values = np.asarray(values, dtype=np.float64)
    mean = float(values.mean())
    if len(values) < 2 or np.ptp(values) == 0:
        return Interval(mean, mean, mean)
    interval = bootstrap(
        (values,), np.mean, n_resamples=resamples, confidence_level=0.95, method="percentile",
        rng=np.random.default_rng(seed), batch=max(1, 10_000_000 // len(values)),
    ).confidence_interval  # fmt: skip
    return Interval(mean, float(interval.low), float(interval.high))


def wilson(right: int, total: int) -> Interval:
    """right / total and its 95 % Wilson score interval. Source: Wilson, J. Am. Stat. Assoc. 22 (1927), 209-212."""
    share, z2 = right / total, _Z**2
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    return Interval(share, 0.0 if right == 0 else middle - half, 1.0 if right == total else middle + half)


def recovery(generated: float, base: float, oracle: float) -> float | None:
    """(generated - base) / (oracle - base): the share of what training on images gains that words alone bring.

    None where the oracle gains nothing over the base, so that there is nothing to recover.
    """
    return (generated - base) / (oracle - base) if oracle > base else None


@dataclass(frozen=True)
class Calibration:
    """Confidence against accuracy, in B bins of equal width."""

    error: float  # the expected calibration error, 0..1: the mean over images of |accuracy - confidence| of their bin
    edges: tuple[float, ...]  # (B + 1,) from 0 to 1; a bin holds its upper edge
    counts: tuple[int, ...]  # (B,) images in each bin
    accuracy: tuple[float | None, ...]  # (B,) share of them that is right; None in an empty bin
    confidence: tuple[float | None, ...]  # (B,) their mean confidence; None in an empty bin


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
