"""The reference's small files: read, written as it writes them, and refused when they are something else."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch

from t2w.adapters import Adapter, AdapterSpec
from t2w.errors import T2WError
from t2w.interop.reference_adapters import load_adapter, save_adapter
from t2w.interop.reference_splits import load_split, save_split, usual_path

SPEC = AdapterSpec(6, 3, 5, 100.0)


def theirs() -> torch.nn.Sequential:
    """The reference's module."""
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(6, 3), torch.nn.GELU(), torch.nn.Linear(3, 5))


def test_an_adapter_means_the_same_here_as_there(tmp_path: Path) -> None:
    module = theirs()
    torch.save({"clip_adapter": module.state_dict(), "accuracy": 61.25}, tmp_path / "task.pt")
    found = load_adapter(tmp_path / "task.pt")
    assert (found.spec, found.accuracy) == (SPEC, 0.6125)
    assert torch.equal(found.vector, torch.cat([p.detach().reshape(-1) for p in module.parameters()]))
    images, texts = torch.randn(4, 6), torch.nn.functional.normalize(torch.randn(3, 5), dim=-1)
    expected = 100 * torch.nn.functional.normalize(module(images), dim=-1) @ texts.T
    torch.testing.assert_close(Adapter.from_vector(SPEC, found.vector).logits(images, texts), expected)


def test_an_adapter_goes_back(tmp_path: Path) -> None:
    module = theirs()
    vector = torch.cat([p.detach().reshape(-1) for p in module.parameters()])
    save_adapter(tmp_path / "task.pt", SPEC, vector, 0.5)
    there = torch.load(tmp_path / "task.pt", weights_only=True)
    assert list(there) == ["clip_adapter", "accuracy"]
    assert there["accuracy"] == 50.0
    assert isinstance(there["clip_adapter"], OrderedDict)
    assert list(there["clip_adapter"]) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    module.load_state_dict(there["clip_adapter"])
    assert torch.equal(load_adapter(tmp_path / "task.pt").vector, vector)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("clip_adapter"), r"holds a dict of \['accuracy'\].*clip_adapter"),
        (lambda d: d["clip_adapter"].pop("0.bias"), "task.pt holds an adapter with"),
        (lambda d: d["clip_adapter"].update({"2.weight": torch.zeros(5, 4)}), r"'2.weight': \(5, 4\)"),
        (lambda d: d["clip_adapter"].update({"4.weight": torch.zeros(5, 4)}), "4.weight"),
        (lambda d: d["clip_adapter"]["0.bias"].fill_(float("inf")), "holds NaN or infinity"),
    ],
)
def test_other_adapters(tmp_path: Path, change: Any, message: str) -> None:
    value = {"clip_adapter": theirs().state_dict(), "accuracy": 1.0}
    change(value)
    torch.save(value, tmp_path / "task.pt")
    with pytest.raises(T2WError, match=message):
        load_adapter(tmp_path / "task.pt")


def test_splits_go_round_to_the_letter(tmp_path: Path) -> None:
    features = torch.randn(2, 4).half().float()
    values = [
        {"index": 7, "selected_classes": ["a", "é"], "path": "./checkpoints/7/task.pt", "text_features": row.tolist()}
        for row in features
    ]
    values[1]["index"], values[1]["path"] = 2, "./checkpoints/2/task.pt"
    text = json.dumps(values, indent=4)
    (tmp_path / "train.json").write_text(text)
    entries = load_split(tmp_path / "train.json")
    assert [entry.index for entry in entries] == [7, 2]
    assert entries[0].path == usual_path(7)
    assert torch.equal(torch.tensor([entry.text_features for entry in entries]), features)
    save_split(tmp_path / "again.json", entries)
    assert (tmp_path / "again.json").read_text() == text


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"index": 1}, "val.json: it is .* valid list"),
        ([{"index": 1}], "entry 0 selected_classes is .*: Field required"),
        ([{"index": -1, "selected_classes": [], "path": "p", "text_features": [1.0]}], "entry 0 index is -1"),
        (
            [{"index": 1, "selected_classes": "ab", "path": "p", "text_features": [1.0]}],
            "entry 0 selected_classes is 'ab'",
        ),
        ([{"index": 1, "selected_classes": [], "path": "p", "text_features": ["x"]}], "entry 0 text_features 0 is 'x'"),
        ([{"index": 1, "selected_classes": [], "path": "p", "text_features": [1.0]}] * 2, "index 1 a second time"),
        (
            [{"index": i, "selected_classes": [], "path": "p", "text_features": [1.0] * (i + 1)} for i in range(2)],
            "a text of 2 numbers; expected 1",
        ),
    ],
)
def test_other_splits(tmp_path: Path, entries: Any, message: str) -> None:
    (tmp_path / "val.json").write_text(json.dumps(entries))
    with pytest.raises(T2WError, match=message):
        load_split(tmp_path / "val.json")
