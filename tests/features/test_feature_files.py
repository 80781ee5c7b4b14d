from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from made_up_features import NAMES, make_features

from t2w.datasets import class_list
from t2w.errors import T2WError
from t2w.features import FeatureSet, load_features, save_features
from t2w.files import load_tensors, save_tensors


def same(a: FeatureSet, b: FeatureSet) -> bool:
    scales = (a.scale is None and b.scale is None) or torch.equal(a.scale, b.scale)  # type: ignore[arg-type]
    fields = ("class_names", "encoder", "preprocessing", "split")
    return (
        scales
        and a.features.dtype == b.features.dtype
        and torch.equal(a.features, b.features)
        and torch.equal(a.labels, b.labels)
        and all(getattr(a, field) == getattr(b, field) for field in fields)
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int8])
def test_round_trip(tmp_path: Path, dtype: torch.dtype) -> None:
    train, test = make_features("train", dtype=dtype), make_features("test", dtype=dtype, per_class=2)
    save_features(tmp_path / "f.safetensors", train, test)
    loaded = load_features(tmp_path / "f.safetensors")
    assert same(loaded[0], train)
    assert same(loaded[1], test)


def foreign(path: Path, **changes: Any) -> Path:
    """A file in the other layout: val_ tensors, int16 labels, no encoder."""
    train, val = make_features("train", dtype=torch.int8), make_features("test", dtype=torch.int8)
    tensors: dict[str, Any] = {
        "train_features": train.features,
        "train_labels": train.labels.to(torch.int16),
        "val_features": val.features,
        "val_labels": val.labels.to(torch.int16),
        "scale": train.scale,
    }
    tensors = {key: value for key, value in {**tensors, **changes}.items() if value is not None}
    save_tensors(path, tensors, {"class_names": list(NAMES), "about": "made up"})
    return path


def test_other_layout(tmp_path: Path) -> None:
    train, test = load_features(foreign(tmp_path / "f.safetensors"))
    assert (train.split, test.split) == ("train", "test")
    assert torch.equal(test.dense(), make_features("test", dtype=torch.int8).dense())
    assert train.encoder.startswith("unknown (file SHA-256 ")
    assert train.labels.dtype == torch.int64


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"val_labels": None}, "no val_labels among its tensors"),
        ({"train_features": None}, "no train_features"),
        ({"scale": None}, "int8 without a scale"),
        ({"scale": torch.ones(7)}, r"expected \(6,\)"),
        ({"train_labels": torch.arange(20)}, "run from 0 to 19"),
        ({"train_labels": torch.zeros(20)}, "train_labels are float32"),
        ({"train_labels": torch.zeros(20, dtype=torch.int16)}, "class 'bee' has no train image"),
        ({"val_features": torch.zeros(20, 5, dtype=torch.int8)}, r"expected \(5,\)"),
    ],
)
def test_wrong_content_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = foreign(tmp_path / "f.safetensors", **changes)
    with pytest.raises(T2WError, match=message) as caught:
        load_features(path)
    assert str(path) in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format", "t2w-adapters", "holds 't2w-adapters'"),
        ("version", 2, "version is 2; expected version 1"),
        ("class_names", "ant", "class_names in its metadata are 'ant'"),
        ("class_names", ["ant", "bee", "cow", "ant"], "'ant' is empty or stands there more than once"),
        ("class_names", list(NAMES[:3]), "expected 0 to 2"),
    ],
)
def test_wrong_metadata_is_named(tmp_path: Path, key: str, value: Any, message: str) -> None:
    path = tmp_path / "f.safetensors"
    save_features(path, make_features("train"), make_features("test"))
    tensors, metadata = load_tensors(path)
    save_tensors(path, tensors, {**metadata, key: value})
    with pytest.raises(T2WError, match=message):
        load_features(path)


def _shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (Path.unlink, "cannot read"),
        (_shorten, "damaged or not safetensors"),
        (lambda path: path.write_bytes(b""), "damaged or not safetensors"),
        (lambda path: path.write_text("label,x0\n1,2\n"), "damaged or not safetensors"),
    ],
)
def test_missing_truncated_or_other_file(tmp_path: Path, spoil: Callable[[Path], Any], message: str) -> None:
    path = tmp_path / "f.safetensors"
    save_features(path, make_features("train"), make_features("test"))
    spoil(path)
    with pytest.raises(T2WError, match=message):
        load_features(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": "other"}, "differ in encoder"),
        ({"class_names": NAMES[::-1]}, "differ in class_names"),
        ({"features": torch.zeros(20, 7)}, "6 numbers per image and test features 7"),
        ({"scale": torch.ones(6)}, "differ in scale"),
        ({"split": "train"}, "splits are 'train' and 'train'"),
    ],
)
def test_splits_that_do_not_belong_together_are_not_written(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(T2WError, match=message):
        save_features(tmp_path / "f.safetensors", make_features("train"), replace(make_features("test"), **changes))
    assert not list(tmp_path.iterdir())


def test_shared_tiny_imagenet(shared_features: Path) -> None:
    train, test = load_features(shared_features)
    assert (len(train), len(test), train.dim) == (50_000, 10_000, 512)
    assert train.features.dtype == torch.int8
    assert set(train.class_names) == set(class_list("tiny_imagenet"))
    assert torch.equal(torch.bincount(train.labels), torch.full((200,), 250))
    assert train.dense().std().item() == pytest.approx(1.0, abs=0.02)
