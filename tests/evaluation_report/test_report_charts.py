"""Each chart is said to show what it shows."""

from __future__ import annotations

from typing import Any

import pytest

from t2w.evaluation.report import DenoisingCurve, LossCurves, ReportData
from t2w.evaluation.report.charts import Chart, denoising_charts, training_charts, weight_charts
from t2w.evaluation.scoreboard import Scoreboard


def training(*, base: int = 0, **curves: int) -> dict[str, Chart]:
    """The charts of curves with so many points."""
    pairs = {name: tuple((10 * i, 1 / (i + 1)) for i in range(count)) for name, count in curves.items()}
    data = ReportData("a", "b", Scoreboard((), {}, {}), LossCurves(**pairs), base_losses=(2.0,) * base)
    return {chart.title: chart for chart in training_charts(data)}


@pytest.mark.parametrize("points", [10, 300])
def test_a_thin_line_is_spoken_of_only_where_there_is_one(points: int) -> None:
    charts = training(train=points, task=points, accuracy=points, base=points)
    assert len(charts) == 4
    for title, chart in charts.items():
        assert chart.picture.count("<title>") == 1
        averaged = points == 300 and title != "The generated adapters get better"
        assert ("thin line" in chart.caption) == ("stroke-opacity: 0.55" in chart.picture) == averaged


@pytest.mark.parametrize(("points", "told"), [(0, False), (1, False), (5, True)])
def test_a_dashed_line_is_spoken_of_only_where_there_is_one(points: int, told: bool) -> None:
    (chart,) = training(train=50, validation=points).values()
    assert ("dashed line" in chart.caption) == told
    assert ("validation" in chart.picture) == (points > 0)


def test_axes_and_columns_name_the_unit() -> None:
    charts = training(train=50, accuracy=5)
    loss, accuracy = charts["The generator learns"], charts["The generated adapters get better"]
    assert "loss, logarithmic" in loss.picture  # 1 to 1/50
    assert ">accuracy, %<" in accuracy.picture
    assert "accuracy, %: validation from 100 to 20." in accuracy.picture


def test_one_step_is_no_way_from_noise_to_clean() -> None:
    one = DenoisingCurve("train", (999,), (0.5,), (0.4,), (0.7,), {"base": 0.3})
    many = DenoisingCurve("unseen_class", (999, 1), (0.5, 0.6), references={"base": 0.3})
    none = DenoisingCurve("validation", (9, 1), (float("nan"),) * 2)
    first, second = denoising_charts((one, none, many))
    assert "One step" in first.caption
    assert "interval" in first.caption
    assert "noise (left)" not in first.picture
    assert "interval" not in second.caption
    assert "noise (left)" in second.picture
    assert "50.0\u00a0% at the first, 60.0\u00a0% at the last, base 30.0" in second.picture


@pytest.fixture
def summary() -> dict[str, Any]:
    accuracies = {"count": 48, "mean": 0.8, "lowest": 0.5, "highest": 1.0, "histogram": [0] * 10 + [40] + [0] * 8 + [8]}
    means = ((2, 0.8, 0.7), (5, 0.6, None))
    rows = [{"classes": n, "validation_accuracy": ours, "test_accuracy": test} for n, ours, test in means]
    return {"validation": accuracies, "test": accuracies, "by_classes": rows}


def test_every_adapter_is_counted_once(summary: dict[str, Any]) -> None:
    first, second, third = weight_charts(summary)
    assert (first.title, second.title) == ("Accuracy on held-out training images", "Accuracy on test images")
    assert "48 adapters, 40 of them between 50 and 55 %" in first.picture
    assert ">50<" in first.picture
    assert ">45<" not in first.picture  # empty bins at the low end are left out
    assert "from 80.0 % at 2 to 60.0 % at 5 classes" in third.picture
    assert "held-out training images" in third.caption


def test_without_held_out_images_test_accuracy_is_drawn(summary: dict[str, Any]) -> None:
    charts = weight_charts(summary | {"validation": None})
    assert [chart.title for chart in charts] == ["Accuracy on test images", "Accuracy by number of classes"]
    assert "on test images" in charts[1].caption
    assert "from 70.0 % at 2 to 70.0 % at 2 classes" in charts[1].picture
    assert weight_charts(summary | {"validation": None, "test": None}) == []
