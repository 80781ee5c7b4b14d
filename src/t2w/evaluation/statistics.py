"""Means over tasks with bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from t2w.extras import needs

__all__ = ["Interval", "bootstrap_mean", "recovery"]


@dataclass(frozen=True)
class Interval:
    """A mean over tasks and its 95 % percentile bootstrap interval, all in the unit of the values."""

    mean: float
    low: float
    high: float


def bootstrap_mean(values: np.ndarray, *, resamples: int = 10_000, seed: int = 0) -> Interval:
    """The mean of `values` (T,) and its interval over resampled tasks; a single task gives an interval of no width."""
    with needs("a bootstrap interval"):
        from scipy.stats import bootstrap

    values = np.asarray(values, dtype=np.float64)
    mean = float(values.mean())
    if len(values) < 2 or np.ptp(values) == 0:
        return Interval(mean, mean, mean)
    interval = bootstrap(
        (values,),
        np.mean,
        n_resamples=resamples,
        confidence_level=0.95,
        method="percentile",
        rng=np.random.default_rng(seed),
        batch=max(1, 10_000_000 // len(values)),
    ).confidence_interval
    return Interval(mean, float(interval.low), float(interval.high))


def recovery(generated: float, base: float, oracle: float) -> float | None:
    """(generated - base) / (oracle - base): the share of what training on images gains that words alone bring.

    None where the oracle gains nothing over the base, so that there is nothing to recover.
    """
    return (generated - base) / (oracle - base) if oracle > base else None
