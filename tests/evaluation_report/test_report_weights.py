"""The weight dataset's summary, whatever shape its values have."""

from __future__ import annotations

from typing import Any

import pytest

from t2w.evaluation.report.weights import weights_view


@pytest.mark.parametrize(
    "values",
    [
        {"9": 0.8, "8": 0.9},
        {8: {"count": 4, "mean": 0.9}, 9: {"count": 2, "mean": 0.8}},
        [{"classes": 8, "accuracy": 0.9}, {"classes": 9, "accuracy": 0.8}],
    ],
)
def test_values_by_number_become_a_picture_in_order(values: Any) -> None:
    view = weights_view({"accuracy_by_classes": values})
    assert view is not None
    assert view.facts == ()
    assert view.figures[0].tables[0].columns == ("classes", "accuracy, %")
    assert view.figures[0].tables[0].rows == (("8", "90"), ("9", "80"))


def test_histograms_are_found_one_level_down_and_keep_their_counts() -> None:
    view = weights_view({"weights": {"std": 0.5, "histogram": {"edges": [-1, 0, 1], "counts": [3, 4]}}})
    assert view is not None
    assert view.figures[0].tables[0].rows == (("\u22121", "0", "3"), ("0", "1", "4"))
    assert view.facts[0].items == (("std", "0.5"),)


def test_what_cannot_be_drawn_is_still_said() -> None:
    view = weights_view(
        {"h": {"edges": [0, 1], "counts": [float("nan")]}, "none": None, "long": list(range(20)), "yes": True}
    )
    assert view is not None
    assert view.figures == ()
    said = dict(item for group in view.facts for item in group.items)
    assert said["counts"] == "\u2013"
    assert said["none"] == "none"
    assert said["long"].endswith("(20 values)")
    assert said["yes"] == "yes"


def test_no_summary_no_section() -> None:
    assert weights_view(None) is None
    assert weights_view({}) is None
