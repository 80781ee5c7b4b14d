"""Images that are read when they are looked at: from files, or from inside an archive that is not unpacked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np

from t2w.errors import T2WError
from t2w.images import files_in, read_image

__all__ = ["Files", "FolderFiles", "LazyImages"]


class Files(Protocol):
    """Files by their names, of a folder or an archive. Safe to read from many threads."""

    @property
    def path(self) -> Path:
        """The folder or the archive."""

    @property
    def names(self) -> Sequence[str]:
        """All files, by their paths."""

    def read(self, name: str) -> bytes | Path:
        """A file's content, or the file itself. Raises T2WError where it is damaged or too large."""

    def identity(self, name: str) -> list[Any]:
        """What tells a file from others of its name, without reading it."""


class FolderFiles:
    """The files under a folder; names are paths relative to it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def names(self) -> Sequence[str]:
        files, unlisted = files_in(self.path)
        if unlisted:  # a dataset is whole or none
            raise unlisted[0][1]
        return [file.relative_to(self.path).as_posix() for file in files]

    def read(self, name: str) -> Path:
        return self.path / name

    def identity(self, name: str) -> list[Any]:
        try:
            return [name, (self.path / name).stat().st_size]
        except OSError as error:
            raise T2WError(f"cannot read {error.filename}: {error.strerror}", fix="load the dataset again") from error


class LazyImages(Sequence[np.ndarray]):
    """The N images `names` of `files`. `images[3]` is read now, `images[2:5]` and `images[[4, 1]]` are lazy again.

    Safe in many threads.
    """

    def __init__(self, files: Files, names: Sequence[str]) -> None:
        self.files, self.names = files, list(names)

    def at(self, position: int, *, min_side: int | None = None) -> np.ndarray:
        """(H, W, 3) uint8; `min_side` as of `read_image`. Raises T2WError naming the image that cannot be read."""
        name = self.names[position]
        content = self.files.read(name)
        inside = None if isinstance(content, Path) else f"{self.files.path.name}/{name}"
        return read_image(content, min_side=min_side, name=inside)

    def identity(self) -> list[Any]:
        """What tells these images from others, without reading them."""
        return [self.files.identity(name) for name in self.names]

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | np.ndarray) -> LazyImages: ...

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return LazyImages(self.files, self.names[index])
        if isinstance(index, (list, tuple, np.ndarray)):
            # As numpy has it: a mask of the same length works, another one or a position out of range does not.
            rows = np.arange(len(self))[np.asarray(index, dtype=None if len(index) else np.int64)]
            return LazyImages(self.files, [self.names[row] for row in rows])
        return self.at(index)
