"""Datasets by name, and the class lists of datasets the reference uses."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files

from t2w.datasets.digits import load_digits
from t2w.datasets.image_set import ImageSet
from t2w.errors import T2WError, nearest

__all__ = ["class_list", "dataset_names", "load_dataset"]

_LOADERS: dict[str, Callable[[], tuple[ImageSet, ImageSet]]] = {"digits": load_digits}
_CLASS_LISTS = ("caltech256", "cifar100", "tiny_imagenet")


def dataset_names() -> tuple[str, ...]:
    """The names `load_dataset` knows."""
    return tuple(_LOADERS)


def load_dataset(name: str) -> tuple[ImageSet, ImageSet]:
    """The (train, test) images of a dataset.

    Raises:
        T2WError: no dataset of that name.
    """
    if name not in _LOADERS:
        raise T2WError(
            f"dataset {name!r} is not known{nearest(name, _LOADERS)}", expected=f"one of {', '.join(_LOADERS)}"
        )
    return _LOADERS[name]()


def class_list(name: str) -> tuple[str, ...]:
    """The class names of "cifar100" (100), "caltech256" (257, with clutter) or "tiny_imagenet" (200, first synonyms).

    They stand in the reference's order, which its task sampler depends on.

    Raises:
        T2WError: no list of that name.
    """
    if name not in _CLASS_LISTS:
        raise T2WError(
            f"there is no class list {name!r}{nearest(name, _CLASS_LISTS)}",
            expected=f"one of {', '.join(_CLASS_LISTS)}",
        )
    text = files("t2w.datasets").joinpath("class_lists").joinpath(f"{name}.json").read_text(encoding="utf-8")
    return tuple(json.loads(text))
