from __future__ import annotations

import numpy as np
import pytest

from t2w.evaluation.statistics import bootstrap_mean, recovery


def test_interval_matches_the_normal_one_for_many_values() -> None:
    values = np.random.default_rng(0).normal(0.7, 0.1, size=2000)
    interval = bootstrap_mean(values, resamples=4000)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert interval.mean == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half, abs=half / 5)
    assert interval.high == pytest.approx(values.mean() + half, abs=half / 5)


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    intervals = [bootstrap_mean(rng.normal(size=60), resamples=400, seed=i) for i in range(200)]
    covered = np.mean([i.low <= 0 <= i.high for i in intervals])
    assert 0.89 <= covered <= 0.99


@pytest.mark.parametrize("values", [[0.5], [0.25, 0.25, 0.25]])
def test_no_spread_no_width(values: list[float]) -> None:
    interval = bootstrap_mean(np.array(values))
    assert interval.low == interval.mean == interval.high == values[0]


def test_same_seed_same_interval() -> None:
    values = np.random.default_rng(0).normal(size=50)
    assert bootstrap_mean(values, seed=3) == bootstrap_mean(values, seed=3)
    assert bootstrap_mean(values, seed=3) != bootstrap_mean(values, seed=4)


def test_recovery() -> None:
    assert recovery(0.75, 0.5, 1.0) == pytest.approx(0.5)
    assert recovery(0.4, 0.5, 1.0) == pytest.approx(-0.2)
    assert recovery(0.75, 0.5, 0.5) is None
