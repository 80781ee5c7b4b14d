"""Datasets by name, and the class lists of datasets the reference uses."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.resources import files
from pathlib import Path

from t2w.datasets.download import hub_source, located
from t2w.datasets.image_set import ImageSet
from t2w.errors import T2WError, nearest

__all__ = ["CLASS_LISTS", "class_list", "class_names_of", "dataset_names", "load_dataset"]

Pair = tuple[ImageSet, ImageSet]
CLASS_LISTS = ("caltech256", "cifar100", "tiny_imagenet")


@dataclass(frozen=True)
class _Entry:
    """Where a dataset's functions are (imported when they are called), and whether the split is drawn here."""

    module: str
    load: str
    names: str
    drawn: bool = False


_DATASETS = {
    "cifar100": _Entry("cifar100", "load_cifar100", "cifar100_names"),
    "caltech256": _Entry("folder", "load_caltech256", "caltech256_names", drawn=True),
    "tiny_imagenet": _Entry("tiny_imagenet", "load_tiny_imagenet", "tiny_imagenet_names"),
    "imagenet": _Entry("folder", "load_imagenet", "imagenet_names"),
    "folder": _Entry("folder", "load_folder", "folder_names", drawn=True),
}


def dataset_names() -> tuple[str, ...]:
    """The names `load_dataset` knows."""
    return ("digits", *_DATASETS)


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
    _known(name)
    if name == "digits":
        from t2w.datasets.digits import load_digits

        return load_digits()
    if (source := hub_source(path)) is not None:
        from t2w.datasets.hub import load_hub

        return load_hub(source, name=name, split_seed=split_seed)
    entry = _DATASETS[name]
    load: Callable[..., Pair] = getattr(import_module(f"t2w.datasets.{entry.module}"), entry.load)
    if entry.drawn:
        load = partial(load, split_seed=split_seed)
    return load(located(name, path, download=download))


def class_names_of(name: str, path: str | Path | None = None, *, download: bool = False) -> tuple[str, ...]:
    """A dataset's class names, without decoding an image. Arguments and errors as of `load_dataset`."""
    _known(name)
    if name == "digits":
        from t2w.datasets.digits import DIGIT_NAMES

        return DIGIT_NAMES
    if hub_source(path) is not None:
        return load_dataset(name, path=path)[0].class_names
    entry = _DATASETS[name]
    names: Callable[[Path], tuple[str, ...]] = getattr(import_module(f"t2w.datasets.{entry.module}"), entry.names)
    return names(located(name, path, download=download))


def _known(name: str) -> None:
    if name not in dataset_names():
        raise T2WError(
            f"dataset {name!r} is not known{nearest(name, dataset_names())}",
            expected=f"one of {', '.join(dataset_names())}",
        )


def class_list(name: str) -> tuple[str, ...]:
    """The class names of "cifar100" (100), "caltech256" (257, with clutter) or "tiny_imagenet" (200, first synonyms).

    They stand in the reference's order, which its task sampler depends on.

    Raises:
        T2WError: no list of that name.
    """
    if name not in CLASS_LISTS:
        raise T2WError(
            f"there is no class list {name!r}{nearest(name, CLASS_LISTS)}",
            expected=f"one of {', '.join(CLASS_LISTS)}",
        )
    text = files("t2w.datasets").joinpath("class_lists").joinpath(f"{name}.json").read_text(encoding="utf-8")
    return tuple(json.loads(text))
