"""Images that are read when they are looked at: from files, or from inside an archive that is not unpacked."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

from t2w.errors import T2WError
from t2w.images import read_image

__all__ = ["FileImages", "LazyImages", "ZipImages"]

_LARGEST = 64_000_000  # bytes of one image in an archive: a member that unpacks to more is no photograph


class LazyImages(Sequence[np.ndarray]):
    """N images; `images[3]` is read now, `images[2:5]` and `images[[4, 1]]` are lazy again. Safe in many threads."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)

    def read(self, name: str) -> np.ndarray:
        """(H, W, 3) uint8. Raises T2WError naming the image that cannot be read."""
        raise NotImplementedError

    def identity(self) -> list[Any]:
        """What tells these images from others, without reading them."""
        raise NotImplementedError

    def subset(self, names: Sequence[str]) -> LazyImages:
        """The same source with some of its images."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | np.ndarray) -> LazyImages: ...

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.subset(self.names[index])
        if isinstance(index, (list, tuple, np.ndarray)):
            return self.subset([self.names[int(i)] for i in index])
        return self.read(self.names[index])


class FileImages(LazyImages):
    """Image files under a folder; names are paths relative to it."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        super().__init__(names)
        self.folder = folder

    def read(self, name: str) -> np.ndarray:
        return read_image(self.folder / name)

    def identity(self) -> list[Any]:
        return [(name, (self.folder / name).stat().st_size) for name in self.names]

    def subset(self, names: Sequence[str]) -> LazyImages:
        return FileImages(self.folder, names)


class ZipImages(LazyImages):
    """Members of a zip archive, read in place. Every thread has a handle of its own."""

    def __init__(self, path: Path, names: Sequence[str], handles: threading.local | None = None) -> None:
        super().__init__(names)
        self.path, self._handles = path, handles or threading.local()

    def read(self, name: str) -> np.ndarray:
        archive = self._archive()
        try:
            if archive.getinfo(name).file_size > _LARGEST:
                raise T2WError(
                    f"{name} in {self.path} unpacks to more than {_LARGEST // 10**6} MB", expected="an image"
                )
            content = archive.read(name)
        except (zipfile.BadZipFile, OSError, KeyError) as error:
            raise T2WError(f"{name} in {self.path} cannot be read: {error}", fix="fetch the archive again") from error
        return read_image(content, name=f"{self.path.name}/{name}")

    def identity(self) -> list[Any]:
        archive = self._archive()
        return [(name, archive.getinfo(name).file_size, archive.getinfo(name).CRC) for name in self.names]

    def subset(self, names: Sequence[str]) -> LazyImages:
        return ZipImages(self.path, names, self._handles)

    def _archive(self) -> zipfile.ZipFile:
        if not hasattr(self._handles, "archive"):
            self._handles.archive = zipfile.ZipFile(self.path)
        archive: zipfile.ZipFile = self._handles.archive
        return archive
