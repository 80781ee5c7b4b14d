"""Tiny-ImageNet-200: 64x64 photographs of 200 classes, from the official zip archive or its folder."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from t2w.datasets.image_set import ImageSet
from t2w.datasets.tree import Tree, natural
from t2w.errors import T2WError

__all__ = ["load_tiny_imagenet"]

_ABOUT: dict[str, Any] = {
    "name": "tiny_imagenet",
    "licence": "ImageNet's: non-commercial research and education",
    "source": "Tiny-ImageNet-200 (Stanford CS231n), from ImageNet, Deng et al. 2009, https://image-net.org",
}


def load_tiny_imagenet(path: Path) -> tuple[ImageSet, ImageSet]:
    """The official (train, validation) images; the archive is read in place.

    Classes stand in the order of wnids.txt, named by the first synonym in words.txt. Rows follow the class, then the
    file's number; validation rows follow val_annotations.txt. Raises T2WError where anything of this is missing.
    """
    tree = Tree(path, "wnids.txt", "Tiny-ImageNet-200: wnids.txt, words.txt, train/, val/")
    wnids, names = _names(tree)
    of_class: dict[str, list[str]] = defaultdict(list)
    for name in tree.names:
        parts = name.split("/")
        if parts[0] == "train" and len(parts) == 4 and name.upper().endswith(".JPEG"):
            of_class[parts[1]].append(name)
    train: list[str] = []
    labels: list[int] = []
    for label, wnid in enumerate(wnids):
        if not of_class[wnid]:
            raise T2WError(f"class {names[label]!r} has no images in train/{wnid} of {path}", expected="some")
        train += sorted(of_class[wnid], key=natural)
        labels += [label] * len(of_class[wnid])
    annotations = [line.split("\t") for line in tree.text("val/val_annotations.txt").splitlines() if line.strip()]
    if short := next((fields for fields in annotations if len(fields) < 2), None):
        raise T2WError(f"val_annotations.txt has the line {short[0]!r}", expected="a file and its class, with a tab")
    validation = [f"val/images/{fields[0]}" for fields in annotations]
    known = set(tree.names)
    if missing := next((name for name in validation if name not in known), None):
        raise T2WError(f"{path} has no {missing}, which val_annotations.txt names", fix="fetch the archive again")
    position = {wnid: label for label, wnid in enumerate(wnids)}
    if unknown := next((fields[1] for fields in annotations if fields[1] not in position), None):
        raise T2WError(f"val_annotations.txt names class {unknown!r}", expected="one of wnids.txt")
    answers = [position[fields[1]] for fields in annotations]
    common = {**_ABOUT, "class_names": names, "provenance": {"split": "official", "wnids": wnids}}
    return (
        ImageSet(images=tree.images(train), labels=np.array(labels, dtype=np.int64), split="train", **common),
        ImageSet(images=tree.images(validation), labels=np.array(answers, dtype=np.int64), split="test", **common),
    )


def _names(tree: Tree) -> tuple[list[str], tuple[str, ...]]:
    wnids = tree.text("wnids.txt").split()
    words = dict(line.split("\t", 1) for line in tree.text("words.txt").splitlines() if "\t" in line)
    if unnamed := [wnid for wnid in wnids if wnid not in words]:
        raise T2WError(f"words.txt has no name for {unnamed[0]}", expected="one for every line of wnids.txt")
    return wnids, tuple(words[wnid].split(",")[0].strip() for wnid in wnids)
