from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from made_up_features import NAMES, make_features

from t2w.errors import T2WError


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int8])
def test_rows_are_rows_of_dense(dtype: torch.dtype) -> None:
    features = make_features("train", dtype=dtype)
    dense = features.dense()
    assert dense.dtype == torch.float32
    assert (len(features), features.dim) == tuple(dense.shape) == (20, 6)
    for index in ([3, 0, 3], torch.tensor([19, 1])):
        assert torch.equal(features.rows(index), dense[index])


def test_int8_is_row_times_scale_and_stays_int8() -> None:
    features = make_features("train", dtype=torch.int8)
    assert features.features.dtype == torch.int8
    assert torch.equal(features.rows([2])[0], features.features[2].float() * features.scale)


def test_of_classes_renumbers_to_positions_in_names() -> None:
    features = make_features("train", dtype=torch.int8)
    some = features.of_classes(["dog", "bee"])
    assert some.class_names == ("dog", "bee")
    originals = [(NAMES[label], row) for label, row in zip(features.labels, features.dense(), strict=True)]
    expected = [(name, row) for name, row in originals if name in ("dog", "bee")]
    assert [some.class_names[label] for label in some.labels] == [name for name, _ in expected]
    assert torch.equal(some.dense(), torch.stack([row for _, row in expected]))


def test_of_all_classes_is_the_identity() -> None:
    features = make_features("train")
    same = features.of_classes(NAMES)
    assert torch.equal(same.features, features.features)
    assert torch.equal(same.labels, features.labels)


def test_of_classes_refuses() -> None:
    features = make_features("train")
    with pytest.raises(T2WError, match=r"'dgo' \(did you mean 'dog'"):
        features.of_classes(["ant", "dgo"])
    with pytest.raises(T2WError, match="'ant' is asked for more than once"):
        features.of_classes(["ant", "ant"])


GOOD = make_features("train")
QUANTISED = make_features("train", dtype=torch.int8)


@pytest.mark.parametrize(
    ("features", "changes", "message"),
    [
        (GOOD, {"features": torch.zeros(20)}, r"features are \(20,\) float32"),
        (GOOD, {"features": torch.zeros(20, 6, dtype=torch.float64)}, "float64; expected"),
        (GOOD, {"features": torch.full((20, 6), torch.nan)}, "20 of 20 train features hold NaN"),
        (GOOD, {"labels": torch.zeros(19, dtype=torch.int64)}, r"labels .* \(19,\) int64; expected \(20,\)"),
        (GOOD, {"labels": torch.full((20,), 4)}, "run from 4 to 4; expected 0 to 3"),
        (GOOD, {"labels": torch.full((20,), -1)}, "run from -1"),
        (GOOD, {"class_names": ()}, "no class names"),
        (GOOD, {"class_names": ("a", "b", "c", "a")}, "'a' is empty or"),
        (GOOD, {"class_names": ("a", "b", "c", " ")}, "' ' is empty or"),
        (GOOD, {"split": "val"}, "'val'; expected 'train' or 'test'"),
        (QUANTISED, {"scale": None}, "int8 without a scale"),
        (QUANTISED, {"scale": torch.ones(5)}, r"scale .* \(5,\) float32; expected \(6,\)"),
        (QUANTISED, {"scale": torch.full((6,), torch.inf)}, "scale .* infinite"),
    ],
)
def test_what_does_not_fit_is_refused(features: Any, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(T2WError, match=message):
        replace(features, **changes)
