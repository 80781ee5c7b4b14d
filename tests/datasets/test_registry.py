from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from t2w.datasets import class_list, dataset_names, load_dataset
from t2w.errors import T2WError


def test_by_name() -> None:
    assert "digits" in dataset_names()
    assert load_dataset("digits")[0].name == "digits"
    with pytest.raises(T2WError, match=r"dataset 'digit' is not known \(did you mean 'digits'\?\); expected one of"):
        load_dataset("digit")


@pytest.mark.parametrize(
    ("name", "size", "first"),
    [("cifar100", 100, "apple"), ("caltech256", 257, "ak47"), ("tiny_imagenet", 200, "goldfish")],
)
def test_class_lists(name: str, size: int, first: str) -> None:
    names = class_list(name)
    assert (len(names), len(set(names)), names[0]) == (size, size, first)


def test_unknown_class_list() -> None:
    with pytest.raises(T2WError, match="did you mean 'cifar100'"):
        class_list("cifar10")


def test_image_set_of_classes() -> None:
    train, _ = load_dataset("digits")
    some = train.of_classes(["nine", "zero"])
    assert np.array_equal(some.images[some.labels == 0], train.images[train.labels == 9])
    assert np.array_equal(some.images[some.labels == 1], train.images[train.labels == 0])
    assert len(some) == np.isin(train.labels, [0, 9]).sum()
    as_list = replace(train, images=list(train.images)).of_classes(["nine", "zero"])
    assert np.array_equal(np.stack(list(as_list.images)), some.images)
    with pytest.raises(T2WError, match=r"no class 'nin'.*'nine'"):
        train.of_classes(["nin"])
    with pytest.raises(T2WError, match="more than once"):
        train.of_classes(["one", "one"])


def test_image_set_checks_labels() -> None:
    train, _ = load_dataset("digits")
    with pytest.raises(T2WError, match=r"for 1258 images; expected \(1258,\) int64"):
        replace(train, labels=train.labels[:-1])
    with pytest.raises(T2WError, match="run from 0 to 9; expected 0 to 8"):
        replace(train, class_names=train.class_names[:9])
