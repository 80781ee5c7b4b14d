"""The weight dataset's section, from a summary as the weight dataset gives it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from t2w.evaluation.report.weights import facts, weights_view


@pytest.fixture(scope="module")
def summary(finished_run: Path) -> dict[str, Any]:
    from t2w.adapters.store import WeightDataset, summarise

    content = summarise(WeightDataset.open(finished_run / "adapters" / "weights"))
    decoded: dict[str, Any] = json.loads(json.dumps(content))
    return decoded


def test_every_adapter_is_counted_once(summary: dict[str, Any]) -> None:
    view = weights_view(summary)
    assert view is not None
    titles = [figure.title for figure in view.figures]
    assert titles == [
        "Accuracy on held-out training images",
        "Accuracy on test images",
        "Accuracy by number of classes",
    ]
    for figure in view.figures[:2]:
        assert sum(int(row[2]) for row in figure.tables[0].rows) == 48
    assert sum(int(row[1]) for row in view.figures[2].tables[0].rows) == 48
    assert dict(view.facts.items)["adapters"] == "48 of 48"


def test_every_parameter_has_a_row(summary: dict[str, Any]) -> None:
    view = weights_view(summary)
    assert view is not None
    assert [row[0] for row in view.layers.rows] == ["linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias"]
    assert all(len(row) == len(view.layers.columns) for row in view.layers.rows)


def test_without_held_out_images_test_accuracy_is_drawn(summary: dict[str, Any]) -> None:
    rows = [row | {"validation_accuracy": None} for row in summary["by_classes"]]
    view = weights_view(summary | {"validation": None, "by_classes": rows})
    assert view is not None
    assert [figure.title for figure in view.figures] == ["Accuracy on test images", "Accuracy by number of classes"]
    assert "on test images" in view.figures[1].how


def test_no_summary_no_section() -> None:
    assert weights_view(None) is None
    assert weights_view({}) is None


def test_facts_say_everything() -> None:
    said = dict(facts("", {"none": None, "long": list(range(20)), "yes": True, "a": {"b": 0.5}}).items)
    assert said["none"] == "none"
    assert said["long"].endswith("(20 values)")
    assert said["yes"] == "yes"
    assert said["a · b"] == "0.5"
