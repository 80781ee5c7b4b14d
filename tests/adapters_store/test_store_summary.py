"""A summary's figures against their definitions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from t2w.adapters import unflatten
from t2w.adapters.store import Moments, WeightDataset, render_summary, summarise


def test_moments_equal_those_of_all_rows_at_once() -> None:
    rows = torch.randn(50, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 100
    moments = Moments(rows.split([1, 30, 19]))
    assert moments.count == 50
    assert torch.allclose(moments.mean, rows.mean(0), rtol=1e-14)
    assert torch.allclose(moments.std(), rows.std(0, correction=0), rtol=1e-12)
    assert torch.allclose(moments.std(correction=1), rows.std(0), rtol=1e-12)


def test_layers(folder: Path, everything: torch.Tensor) -> None:
    dataset = WeightDataset.open(folder)
    summary = summarise(dataset)
    weights = unflatten(dataset.spec, everything.double())
    for layer in summary["layers"]:
        w = weights[layer["name"]].flatten(1)
        difference = w - 0.5
        assert layer["mean"] == pytest.approx(float(w.mean()), rel=1e-9)
        assert layer["std"] == pytest.approx(float(w.std(correction=0)), rel=1e-9)
        assert layer["difference_norm"] == pytest.approx(float(difference.norm(dim=1).mean()), rel=1e-9)
        assert layer["difference_mean"] == pytest.approx(float(difference.mean()), rel=1e-9)
        per_coordinate = difference.std(0, correction=0)
        assert layer["difference_std"] == pytest.approx(float((per_coordinate**2).mean().sqrt()), rel=1e-9)
        extremes = [float(per_coordinate.min()), float(per_coordinate.max())]
        assert layer["difference_std_range"] == pytest.approx(extremes)
        assert layer["base_norm"] == pytest.approx(0.5 * w.shape[1] ** 0.5)
    assert [layer["name"] for layer in summary["layers"]] == [name for name, _ in dataset.spec.layout]


def test_accuracies(folder: Path) -> None:
    summary = summarise(WeightDataset.open(folder))
    test, tested = summary["test"], [i / 24 for i in range(24) if i % 4 != 3]
    assert test["count"] == sum(test["histogram"]) == len(tested) == 18
    assert test["mean"] == pytest.approx(sum(tested) / 18)
    assert test["histogram"] == [sum(0.05 * b <= a < 0.05 * (b + 1) for a in tested) for b in range(20)]
    assert summary["validation"]["histogram"][10] == 24  # 0.5 belongs to the bin that begins with it
    assert [(row["classes"], row["count"]) for row in summary["by_classes"]] == [(2, 8), (3, 8), (4, 8)]
    assert (summary["count"], summary["total"], summary["size"], summary["seconds"]) == (24, 24, 29, 4.5)
    assert summary["bytes"] == sum(path.stat().st_size for path in folder.iterdir())


def test_as_json_and_as_text(folder: Path) -> None:
    summary = summarise(WeightDataset.open(folder).subset(range(3)))
    assert json.loads(json.dumps(summary))["count"] == 3
    text = render_summary(summary)
    assert "3 of 24 adapters" in text
    assert "linear2.weight" in text
    assert max(map(len, text.splitlines()[3:])) <= 92
    everything = render_summary(summarise(WeightDataset.open(folder).subset([3])))
    assert "test accuracy: not measured" in everything
