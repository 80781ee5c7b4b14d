"""A folder, or an archive read as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from t2w.datasets.archives import open_archive
from t2w.datasets.lazy import ArchiveImages, FileImages, LazyImages
from t2w.errors import T2WError
from t2w.images import files_in

__all__ = ["Tree", "natural"]


class Tree:
    """The files under a folder or in an archive, by their paths relative to the top.

    Args:
        path: the folder, or a zip or tar archive.
        marker: a file that stands at the top; it may lie deeper than `path`. "" takes `path` as the top, or the one
            folder that everything in an archive lies in.
        what: what errors call it.

    Raises:
        T2WError: no marker there, a damaged archive, or one with links or paths that lead out of it.
    """

    def __init__(self, path: Path, marker: str, what: str) -> None:
        self.path, self.what = path, what
        self._archive = open_archive(path, what) if path.is_file() else None
        if self._archive is not None:
            names = list(self._archive.names)
        else:
            files, unlisted = files_in(path)
            if unlisted:  # a dataset is whole or none
                raise unlisted[0][1]
            names = [file.relative_to(path).as_posix() for file in files]
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
        return f"{inner.pop()}/" if self._archive is not None and len(inner) == 1 else ""

    def text(self, name: str) -> str:
        """A text file. Raises T2WError where it is missing or cannot be read."""
        if name not in self.names:
            raise T2WError(f"{self.path} has no {name}", expected=self.what)
        whole = self.top + name
        content = self._archive.read(whole) if self._archive is not None else (self.path / whole).read_bytes()
        return content.decode("utf-8", errors="replace")

    def images(self, names: Sequence[str]) -> LazyImages:
        whole = [self.top + name for name in names]
        return FileImages(self.path, whole) if self._archive is None else ArchiveImages(self._archive, whole)


def natural(name: str) -> tuple[int, str]:
    """Sorts n0_2.JPEG before n0_10.JPEG: by the number a file's name ends in."""
    digits = PurePosixPath(name).stem.rpartition("_")[2]
    return (int(digits) if digits.isdecimal() else 0, name)
