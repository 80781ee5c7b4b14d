"""Datasets by name, and the class lists of datasets the reference uses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

from t2w.datasets.download import hub_source, located
from t2w.datasets.image_set import ImageSet
from t2w.errors import T2WError, nearest

__all__ = ["CLASS_LISTS", "class_list", "class_names_of", "dataset_names", "descriptions", "load_dataset"]

Pair = tuple[ImageSet, ImageSet]
CLASS_LISTS = ("caltech256", "cifar100", "tiny_imagenet")
_DATASETS = {
    "digits": "digits:load_digits",
    "cifar100": "cifar100:load_cifar100",
    "caltech256": "folder:load_caltech256",
    "tiny_imagenet": "tiny_imagenet:load_tiny_imagenet",
    "imagenet": "folder:load_imagenet",
    "folder": "folder:load_folder",
}
"""Module and function by name, imported when it is called."""
_SPLIT_HERE = ("caltech256", "folder")  # those that have no test images of their own, or need not


def dataset_names() -> tuple[str, ...]:
    """The names `load_dataset` knows."""
    return tuple(_DATASETS)


def load_dataset(name: str, *, path: str | Path | None = None, split_seed: int = 0, download: bool = False) -> Pair:
    """The (train, test) images of a dataset; photographs are read when they are looked at.

    Args:
        name: see `dataset_names`.
        path: its official archive or folder, "hf://owner/name" on the Hugging Face hub, or a folder of such a dataset's
            Parquet files; None looks where a download goes. The digits have none.
        split_seed: of the split, where the dataset has none of its own.
        download: fetch the archive, checked, where the licence allows it.

    Raises:
        T2WError: no dataset of that name, its files are not here (the message says where to get them), or they are not
            what they should be.
    """
    _check_known("dataset", name, dataset_names())
    if name != "digits" and (source := hub_source(path)) is not None:
        from t2w.datasets.hub import load_hub

        return load_hub(source, name=name, split_seed=split_seed)
    module, _, function = _DATASETS[name].partition(":")
    load: Callable[..., Pair] = getattr(import_module(f"t2w.datasets.{module}"), function)
    if name == "digits":
        return load()
    seed: dict[str, Any] = {"split_seed": split_seed} if name in _SPLIT_HERE else {}
    return load(located(name, path, download=download), **seed)


def class_names_of(name: str, path: str | Path | None = None, *, download: bool = False) -> tuple[str, ...]:
    """A dataset's class names, without decoding an image. Arguments and errors as of `load_dataset`."""
    if name == "digits":
        from t2w.datasets.digits import DIGIT_NAMES

        return DIGIT_NAMES
    if name == "cifar100" and hub_source(path) is None:  # its images are all in one file
        located(name, path, download=download)
        return class_list(name)
    return load_dataset(name, path=path, download=download)[0].class_names


def class_list(name: str) -> tuple[str, ...]:
    """The class names of "cifar100" (100), "caltech256" (257, with clutter) or "tiny_imagenet" (200, first synonyms).

    They stand in the reference's order, which its task sampler depends on. Raises T2WError at another name.
    """
    return tuple(_class_file(name, f"{name}.json"))


def descriptions(name: str) -> Mapping[str, str]:
    """What the classes of a `class_list` look like: a sentence of 8 to 20 words by class name, in its order.

    `TextMode.described` makes texts of them. They tell of the class, not of the images of the dataset.
    """
    sentences: dict[str, str] = _class_file(name, f"{name}_descriptions.json")
    return sentences


def _class_file(name: str, file: str) -> Any:
    _check_known("class list", name, CLASS_LISTS)
    return json.loads((files("t2w.datasets") / "class_lists" / file).read_text(encoding="utf-8"))


def _check_known(what: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise T2WError(f"{what} {name!r} is not known{nearest(name, known)}", expected=f"one of {', '.join(known)}")
