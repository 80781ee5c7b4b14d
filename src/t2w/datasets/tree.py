"""A folder, or an archive read as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from t2w.datasets.archives import open_archive
from t2w.datasets.lazy import Files, FolderFiles, LazyImages
from t2w.errors import T2WError

__all__ = ["Tree"]


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
