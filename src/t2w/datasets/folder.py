"""Any folder (or zip archive) of class folders, Caltech-256 and ImageNet-1k among them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from t2w.datasets.archives import unpack_tar
from t2w.datasets.image_set import ImageSet
from t2w.datasets.registry import class_list
from t2w.datasets.splits import TRAIN_SHARE, set_of, stratified
from t2w.datasets.tree import Tree, natural
from t2w.errors import T2WError
from t2w.images import IMAGE_SUFFIXES

__all__ = ["caltech256_names", "folder_names", "imagenet_names", "load_caltech256", "load_folder", "load_imagenet"]

_TEST_FOLDERS = ("test", "val", "validation")
_WNID = re.compile(r"n\d{8}")
_CLUTTER = "257.clutter"


def load_folder(path: Path, *, split_seed: int = 0) -> tuple[ImageSet, ImageSet]:
    """(train, test) of a folder with a folder for every class.

    Where it holds train/ and test/ (or val/, validation/), those are the split; else 80 % of every class are drawn.

    Raises:
        T2WError: no class folders, an empty one, or train and test folders with different classes.
    """
    return _load(path, _as_it_is, split_seed=split_seed, name=path.name, licence="unknown", source=path.name)


def folder_names(path: Path) -> tuple[str, ...]:
    """The class names `load_folder` finds."""
    return tuple(_as_it_is(_splits(path)[1][0], None).values())


def load_caltech256(path: Path, *, split_seed: int = 0) -> tuple[ImageSet, ImageSet]:
    """(train, test) of Caltech-256, clutter left out: one stratified split, 80 % of every class to train on.

    Args:
        path: the folder 256_ObjectCategories or its tar archive, which is unpacked beside itself.

    Raises:
        T2WError: other class folders than Caltech-256's.
    """
    return _load(
        _unpacked(path), _caltech, split_seed=split_seed, name="caltech256", licence="CC BY 4.0",
        source="Griffin, Holub and Perona, Caltech-256, https://doi.org/10.22002/D1.20087",
    )  # fmt: skip


def caltech256_names(path: Path) -> tuple[str, ...]:
    return tuple(name for name in class_list("caltech256") if not name.startswith("clutter"))


def load_imagenet(path: Path) -> tuple[ImageSet, ImageSet]:
    """The official (train, validation) images of ImageNet-1k: train/<wnid> and val/<wnid>.

    Class names come from LOC_synset_mapping.txt or words.txt beside the folders (the first synonym), else they are the
    wnids.

    Raises:
        T2WError: a validation folder that is not sorted into classes yet.
    """
    return _load(
        path, _imagenet, split_seed=0, name="imagenet", licence="ImageNet's: non-commercial research and education",
        source="ImageNet-1k, Russakovsky et al. 2015, https://image-net.org",
    )  # fmt: skip


def imagenet_names(path: Path) -> tuple[str, ...]:
    tree, (train, _) = _splits(path)
    return tuple(_imagenet(train, tree).values())


Naming = Callable[[Mapping[str, list[str]], "Tree | None"], dict[str, str]]


def _load(path: Path, naming: Naming, *, split_seed: int, **about: Any) -> tuple[ImageSet, ImageSet]:
    tree, (train, test) = _splits(path)
    names = naming(train, tree)
    train = {folder: train[folder] for folder in names}
    if test is None:
        how: dict[str, Any] = {"split": "stratified by class", "train_share": TRAIN_SHARE, "seed": split_seed}
        train, test = stratified(train, split_seed)
    else:
        how = {"split": "as the folders are"}
        if missing := names.keys() ^ test.keys():
            raise T2WError(f"class {min(missing)!r} of {path} is in one of train and test only", expected="in both")

    def part(split: Literal["train", "test"], files: Mapping[str, list[str]]) -> ImageSet:
        return set_of(tree, files, names, split=split, provenance=how, **about)

    return part("train", train), part("test", test)


def _splits(path: Path) -> tuple[Tree, tuple[dict[str, list[str]], dict[str, list[str]] | None]]:
    """The tree, and image files by class folder: of training, and of testing where there is a folder for it."""
    tree = Tree(path, "", "a folder for every class")
    tops = {name.split("/")[0] for name in tree.names if "/" in name}
    test = next((name for name in _TEST_FOLDERS if name in tops), None)
    if "train" not in tops or test is None:
        return tree, (_classes(tree, ""), None)
    if any(name.startswith(f"{test}/") and name.count("/") == 1 and _is_image(name) for name in tree.names):
        raise T2WError(
            f"{path}/{test} holds images that are not sorted into class folders",
            expected=f"{test}/<class>/...",
            fix="move every validation image into the folder of its class first",
        )
    return tree, (_classes(tree, "train/"), _classes(tree, f"{test}/"))


def _classes(tree: Tree, prefix: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in tree.names:
        parts = name.removeprefix(prefix).split("/")
        if name.startswith(prefix) and len(parts) > 1:
            files = found.setdefault(parts[0], [])
            if _is_image(name):
                files.append(name)
    place = tree.path / prefix
    if place.is_dir():  # an empty folder has no file that would name it
        for folder in place.iterdir():
            if folder.is_dir() and not folder.name.startswith("."):
                found.setdefault(folder.name, [])
    if empty := sorted(name for name, files in found.items() if not files):
        raise T2WError(
            f"class folder {prefix}{empty[0]} of {tree.path} holds no image", fix="remove it, or put images in"
        )
    if len(found) < 2:
        raise T2WError(f"{tree.path} has {len(found)} class folders", expected="at least 2, one for every class")
    return {name: sorted(found[name], key=natural) for name in sorted(found)}


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES


def _as_it_is(folders: Mapping[str, list[str]], tree: Tree | None) -> dict[str, str]:
    return {folder: folder for folder in folders}


def _caltech(folders: Mapping[str, list[str]], tree: Tree | None) -> dict[str, str]:
    names = {folder: folder.partition(".")[2] for folder in folders if folder != _CLUTTER}
    expected = caltech256_names(Path())
    if set(names.values()) != set(expected):
        odd = min(set(names.values()) ^ set(expected))
        raise T2WError(f"class {odd!r} is not where Caltech-256 has it", expected="folders 001.ak47 to 256.toad")
    return names


def _imagenet(folders: Mapping[str, list[str]], tree: Tree | None) -> dict[str, str]:
    words: dict[str, str] = {}
    for file in ("LOC_synset_mapping.txt", "words.txt"):
        if tree is not None and file in tree.names and not words:
            lines = (line.replace("\t", " ", 1).split(" ", 1) for line in tree.text(file).splitlines() if line.strip())
            words = {fields[0]: fields[1].split(",")[0].strip() for fields in lines if len(fields) == 2}
    if odd := next((folder for folder in folders if not _WNID.fullmatch(folder)), None):
        raise T2WError(f"class folder {odd!r} is no WordNet number", expected="n01440764 and the like")
    names = {folder: words.get(folder, folder) for folder in folders}
    twice = {name for name in names.values() if list(names.values()).count(name) > 1}  # crane: a bird, a machine
    return {folder: f"{name} ({folder})" if name in twice else name for folder, name in names.items()}


def _unpacked(path: Path) -> Path:
    if path.is_file():
        path = unpack_tar(path, path.with_suffix(""))
    inner = path / "256_ObjectCategories"
    return inner if inner.is_dir() else path
