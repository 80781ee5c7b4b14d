"""Means over tasks with bootstrap intervals, and shares of images with Wilson's."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from t2w.extras import needs

__all__ = ["Interval", "bootstrap_mean", "recovery", "wilson"]

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
