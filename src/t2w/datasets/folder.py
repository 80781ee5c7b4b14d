"""Any folder (or zip or tar archive) of class folders, Caltech-256 and ImageNet-1k among them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from t2w.datasets.image_set import ImageSet
from t2w.datasets.registry import class_list
from t2w.datasets.tree import ByClass, Tree, natural, stratified
from t2w.errors import T2WError
from t2w.files import fingerprint
from t2w.images import IMAGE_SUFFIXES

__all__ = ["load_caltech256", "load_folder", "load_imagenet", "load_whole_folder"]

_TEST_FOLDERS = ("test", "val", "valid", "validation")
_WNID = re.compile(r"n\d{8}")
_CLUTTER = "257.clutter"

Naming = Callable[[ByClass, Tree], dict[str, str]]  # what each class folder is called


def load_folder(path: Path, *, split_seed: int = 0) -> tuple[ImageSet, ImageSet]:
    """(train, test) of a folder with a folder for every class.

    Where it holds train/ and test/ (or val/, validation/), those are the split; else 80 % of every class are drawn.
    """
    return _load(path, _as_it_is, split_seed=split_seed, name=path.name, licence="unknown", source=path.name)


def load_whole_folder(path: Path) -> ImageSet:
    """Every image of a folder (or archive) with a folder for every class, for testing alone."""
    tree, files, test = _splits(path)
    together = {folder: [*own, *(test or {}).get(folder, [])] for folder, own in files.items()}
    about = {"name": path.stem, "licence": "unknown", "source": path.name, "split": "test"}
    return _images(tree, together, _as_it_is(files, tree), {"split": "none"}, about)


def load_caltech256(path: Path, *, split_seed: int = 0) -> tuple[ImageSet, ImageSet]:
    """(train, test) of Caltech-256, clutter left out: one stratified split, 80 % of every class to train on.

    `path` is the folder 256_ObjectCategories, the one it lies in, or its tar archive, which is read in place.
    """
    inner = path / "256_ObjectCategories"
    return _load(
        inner if inner.is_dir() else path, _caltech, split_seed=split_seed, name="caltech256", licence="CC BY 4.0",
        source="Griffin, Holub and Perona, Caltech-256, https://doi.org/10.22002/D1.20087",
    )  # fmt: skip


def load_imagenet(path: Path) -> tuple[ImageSet, ImageSet]:
    """The official (train, validation) images of ImageNet-1k: train/<wnid> and val/<wnid>.

    Class names come from LOC_synset_mapping.txt or words.txt beside the folders, or up to three folders above, where
    the official archive has it (the first synonym), else they are the wnids.
    """
    return _load(
        path, _imagenet, test_folders=("val",), name="imagenet",
        licence="ImageNet's: non-commercial research and education",
        source="ImageNet-1k, Russakovsky et al. 2015, https://image-net.org",
    )  # fmt: skip


def _load(
    path: Path, naming: Naming, *, split_seed: int = 0, test_folders: Sequence[str] = _TEST_FOLDERS, **about: Any
) -> tuple[ImageSet, ImageSet]:
    tree, train, test = _splits(path, test_folders)
    names = naming(train, tree)
    train = {folder: train[folder] for folder in names}
    how: dict[str, Any] = {"split": "as the folders are"}
    if test is None:
        train, test, how = stratified(train, split_seed)
    elif missing := names.keys() ^ test.keys():
        raise T2WError(f"class {min(missing)!r} of {path} is in one of train and test only", expected="in both")
    return (
        _images(tree, train, names, how, {**about, "split": "train"}),
        _images(tree, test, names, how, {**about, "split": "test"}),
    )


def _images(
    tree: Tree, of_class: ByClass, names: Mapping[str, str], how: Mapping[str, Any], about: Mapping[str, Any]
) -> ImageSet:
    """The images of a split, class by class; its files stand in its provenance as a hash."""
    files = [file for folder in names for file in of_class[folder]]
    labels = np.repeat(np.arange(len(names)), [len(of_class[folder]) for folder in names]).astype(np.int64)
    provenance = {**how, "files": fingerprint(files)}
    return ImageSet(tree.images(files), labels, tuple(names.values()), provenance=provenance, **about)


def _splits(path: Path, test_folders: Sequence[str] = _TEST_FOLDERS) -> tuple[Tree, ByClass, ByClass | None]:
    """The tree, and image files by class folder: of training, and of testing where there is a folder for it."""
    tree = Tree(path, "", "a folder for every class")
    tops = {name.split("/")[0] for name in tree.names if "/" in name}
    test = next((name for name in test_folders if name in tops), None)
    if "train" in tops and test is None and tops <= {"train", *_TEST_FOLDERS}:
        raise T2WError(f"{path} has train/ and no folder to test on", expected=f"{' or '.join(test_folders)} beside it")
    if "train" not in tops or test is None:
        return tree, _classes(tree, ""), None
    if any(name.startswith(f"{test}/") and name.count("/") == 1 and _is_image(name) for name in tree.names):
        raise T2WError(
            f"{path}/{test} holds images that are not sorted into class folders",
            expected=f"{test}/<class>/...",
            fix="move every validation image into the folder of its class first",
        )
    return tree, _classes(tree, "train/"), _classes(tree, f"{test}/")


def _classes(tree: Tree, prefix: str) -> ByClass:
    found: ByClass = {}
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


def _as_it_is(folders: ByClass, tree: Tree) -> dict[str, str]:
    return {folder: folder for folder in folders}


def _caltech(folders: ByClass, tree: Tree) -> dict[str, str]:
    names = {folder: folder.partition(".")[2] for folder in folders if folder != _CLUTTER}
    expected = {f"{number:03d}.{name}" for number, name in enumerate(class_list("caltech256"), start=1)} - {_CLUTTER}
    if odd := names.keys() ^ expected:
        state = "is missing" if min(odd) in expected else "is not one of Caltech-256"
        raise T2WError(
            f"class folder {min(odd)!r} {state}",
            expected="all folders from 001.ak47 to 256.toad",
            fix="unpack the official archive again, or load your own choice of classes with dataset=folder",
        )
    for folder, files in folders.items():  # 056.dog/greg/ holds images of its own, which are not part of the dataset
        files[:] = [file for file in files if file == f"{folder}/{PurePosixPath(file).name}"]
    return names


def _imagenet(folders: ByClass, tree: Tree) -> dict[str, str]:
    if odd := next((folder for folder in folders if not _WNID.fullmatch(folder)), None):
        raise T2WError(f"class folder {odd!r} is no WordNet number", expected="n01440764 and the like")
    words = _first_synonyms(tree)
    names = {folder: words.get(folder, folder) for folder in folders}
    times = Counter(names.values())  # crane: a bird, a machine
    return {folder: f"{name} ({folder})" if times[name] > 1 else name for folder, name in names.items()}


def _first_synonyms(tree: Tree) -> dict[str, str]:
    """Names by wnid, from the first list there is: lines "n01440764 tench, Tinca tinca", or with a tab."""
    for file in ("LOC_synset_mapping.txt", "words.txt"):
        above = (folder / file for folder in tree.path.resolve().parents[:3])
        found = next((path for path in above if path.is_file()), None)
        if file in tree.names or found is not None:
            text = tree.text(file) if file in tree.names else Path(str(found)).read_text("utf-8", errors="replace")
            lines = (line.replace("\t", " ", 1).split(" ", 1) for line in text.splitlines())
            return {fields[0]: fields[1].split(",")[0].strip() for fields in lines if len(fields) == 2}
    return {}
