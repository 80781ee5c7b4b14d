"""A folder, or an archive read as one; and one split of files by class: seeded, the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from t2w.datasets.archives import open_archive
from t2w.datasets.lazy import Files, FolderFiles, LazyImages
from t2w.errors import T2WError
from t2w.seeds import derive_seed

__all__ = ["ByClass", "Tree", "natural", "stratified"]

_TRAIN_SHARE = 0.8
ByClass = dict[str, list[str]]  # files


class Tree:
    """The files under a folder or in an archive, by their paths relative to the top.

    Args:
        path: the folder, or a zip or tar archive.
        marker: a file that stands at the top; it may lie deeper than `path`. "" takes `path` as the top, or the one
            folder that everything in an archive lies in.
        what: what errors call it.
    """

    def __init__(self, path: Path, marker: str, what: str) -> None:
        self.path, self.what = path, what
        self._files: Files = open_archive(path, what) if path.is_file() else FolderFiles(path)
        names = self._files.names
        self.top = self._marked(names, marker) if marker else self._wrapper(names)
        self.names = [name.removeprefix(self.top) for name in names if name.startswith(self.top)]

    def _marked(self, names: Sequence[str], marker: str) -> str:
        tops = [name.removesuffix(marker) for name in names if name == marker or name.endswith("/" + marker)]
        if not tops:
            raise T2WError(
                f"{self.path} has no {marker}", expected=self.what, fix="name the official archive or its folder"
            )
        return min(tops, key=len)

    def _wrapper(self, names: Sequence[str]) -> str:
        inner = {name.split("/")[0] for name in names if "/" in name}
        return f"{inner.pop()}/" if self.path.is_file() and len(inner) == 1 else ""

    def text(self, name: str) -> str:
        """A text file. Raises T2WError where it is missing or cannot be read."""
        if name not in self.names:
            raise T2WError(f"{self.path} has no {name}", expected=self.what)
        content = self._files.read(self.top + name)
        content = content.read_bytes() if isinstance(content, Path) else content
        return content.decode("utf-8", errors="replace")

    def images(self, names: Sequence[str]) -> LazyImages:
        return LazyImages(self._files, [self.top + name for name in names])


def stratified(of_class: Mapping[str, Sequence[str]], seed: int) -> tuple[ByClass, ByClass, dict[str, Any]]:
    """(train, test) files of each class: 80 and 20 %, at least one each; and how that was done, for the provenance.

    The draw of a class depends on the seed, the class's name and its files alone. A class of one image is an error.
    """
    train, test = {}, {}
    for name, files in of_class.items():
        if len(files) < 2:
            raise T2WError(f"class {name!r} has {len(files)} image(s)", expected="at least 2, to train on and to test")
        ordered = sorted(files, key=natural)
        order = np.random.default_rng(derive_seed("split", seed, name)).permutation(len(ordered))
        count = min(max(round(_TRAIN_SHARE * len(ordered)), 1), len(ordered) - 1)
        train[name] = [ordered[i] for i in sorted(order[:count])]
        test[name] = [ordered[i] for i in sorted(order[count:])]
    return train, test, {"split": "stratified by class", "train_share": _TRAIN_SHARE, "seed": seed}


def natural(name: str) -> tuple[int, str]:
    """Sorts n0_2.JPEG before n0_10.JPEG: by the number a file's name ends in."""
    digits = PurePosixPath(name).stem.rpartition("_")[2]
    return (int(digits) if digits.isdecimal() else 0, name)
