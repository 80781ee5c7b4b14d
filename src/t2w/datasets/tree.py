"""A folder, or a zip archive read as one."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from t2w.datasets.archives import open_zip
from t2w.datasets.lazy import FileImages, LazyImages, ZipImages
from t2w.errors import T2WError
from t2w.images import files_in

__all__ = ["Tree", "natural"]


class Tree:
    """The files under a folder or in a zip archive, by their paths relative to the place where `marker` is.

    Args:
        path: the folder or the archive.
        marker: a file that stands at the top; it may lie a folder deeper than `path`. "" takes `path` as the top, or
            the one folder that everything in an archive lies in.
        what: what errors call it.

    Raises:
        T2WError: no marker there, a damaged archive, or one with paths that lead out of it.
    """

    def __init__(self, path: Path, marker: str, what: str) -> None:
        self.path, self.what = path, what
        self._zip: zipfile.ZipFile | None = None
        if path.is_file():
            self._zip, names = open_zip(path, what)
            names = [name for name in names if not name.endswith("/")]
        else:
            names = [file.relative_to(path).as_posix() for file in files_in(path)]
        if not marker:
            inner = {name.split("/")[0] for name in names if "/" in name} if self._zip is not None else set()
            self.top = f"{inner.pop()}/" if len(inner) == 1 else ""
            self.names = [name.removeprefix(self.top) for name in names if name.startswith(self.top)]
            return
        tops = [name.removesuffix(marker) for name in names if name == marker or name.endswith("/" + marker)]
        if not tops:
            raise T2WError(f"{path} has no {marker}", expected=what, fix="name the official archive or its folder")
        self.top = min(tops, key=len)
        self.names = [name.removeprefix(self.top) for name in names if name.startswith(self.top)]

    def text(self, name: str) -> str:
        """A text file. Raises T2WError where it is missing."""
        if name not in self.names:
            raise T2WError(f"{self.path} has no {name}", expected=self.what)
        whole = self.top + name
        content = self._zip.read(whole) if self._zip is not None else (self.path / whole).read_bytes()
        return content.decode("utf-8", errors="replace")

    def images(self, names: Sequence[str]) -> LazyImages:
        whole = [self.top + name for name in names]
        return FileImages(self.path, whole) if self._zip is None else ZipImages(self.path, whole)


def natural(name: str) -> tuple[int, str]:
    """Sorts n0_2.JPEG before n0_10.JPEG: by the number a file's name ends in."""
    digits = PurePosixPath(name).stem.rpartition("_")[2]
    return (int(digits) if digits.isdecimal() else 0, name)
