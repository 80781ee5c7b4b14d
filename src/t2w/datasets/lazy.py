"""Images that are read when they are looked at: from files, or from inside an archive that is not unpacked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

from t2w.datasets.archives import ArchiveFiles
from t2w.errors import T2WError
from t2w.images import read_image

__all__ = ["ArchiveImages", "FileImages", "LazyImages"]


class LazyImages(Sequence[np.ndarray]):
    """N images; `images[3]` is read now, `images[2:5]` and `images[[4, 1]]` are lazy again. Safe in many threads."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)

    def read(self, name: str, *, min_side: int | None = None) -> np.ndarray:
        """(H, W, 3) uint8; `min_side` as of `read_image`. Raises T2WError naming the image that cannot be read."""
        raise NotImplementedError

    def at(self, position: int, *, min_side: int | None = None) -> np.ndarray:
        """The image at a position, decoded smaller where its shorter side stays `min_side` long."""
        return self.read(self.names[position], min_side=min_side)

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
            # As numpy has it: a mask of the same length works, another one or a position out of range does not.
            rows = np.arange(len(self))[np.asarray(index, dtype=None if len(index) else np.int64)]
            return self.subset([self.names[row] for row in rows])
        return self.read(self.names[index])


class FileImages(LazyImages):
    """Image files under a folder; names are paths relative to it."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        super().__init__(names)
        self.folder = folder

    def read(self, name: str, *, min_side: int | None = None) -> np.ndarray:
        return read_image(self.folder / name, min_side=min_side)

    def identity(self) -> list[Any]:
        try:
            return [(name, (self.folder / name).stat().st_size) for name in self.names]
        except OSError as error:
            raise T2WError(f"cannot read {error.filename}: {error.strerror}", fix="load the dataset again") from error

    def subset(self, names: Sequence[str]) -> LazyImages:
        return FileImages(self.folder, names)


class ArchiveImages(LazyImages):
    """Members of an archive, read in place."""

    def __init__(self, files: ArchiveFiles, names: Sequence[str]) -> None:
        super().__init__(names)
        self.files = files

    def read(self, name: str, *, min_side: int | None = None) -> np.ndarray:
        return read_image(self.files.read(name), min_side=min_side, name=f"{self.files.path.name}/{name}")

    def identity(self) -> list[Any]:
        return [self.files.identity(name) for name in self.names]

    def subset(self, names: Sequence[str]) -> LazyImages:
        return ArchiveImages(self.files, names)
