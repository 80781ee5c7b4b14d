"""Locks on ranges of positions, released by the operating system when their process dies."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from types import TracebackType

from t2w.errors import T2WError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["RangeLocks"]

log = logging.getLogger("t2w")

_NAME = ".lock"


class RangeLocks:
    """Locks of one folder, one byte of `.lock` per position (POSIX record locks, also over NFS).

    They only spare double work: shards are deterministic and replaced whole, so that two processes making the same one
    do no harm. Where the file system or the platform has no locks, every lock is granted, and a warning says so once.

    The locks belong to the process. Hold one RangeLocks per folder and process: closing any file closes all its locks.
    """

    def __init__(self, folder: str | Path) -> None:
        self._path = Path(folder) / _NAME
        self._file: int | None = None
        self.works = fcntl is not None

    def __enter__(self) -> RangeLocks:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise T2WError(
                f"cannot write in {self._path.parent}: {error.strerror}", fix="choose another folder"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None
        os.close(self._file)  # releases them all
        self._file = None

    def acquire(self, begin: int, end: int) -> bool:
        """Lock the positions [begin, end) without waiting. False: another process holds some of them."""
        assert self._file is not None
        assert end > begin
        if not self.works:
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, end - begin, begin)
        except (BlockingIOError, PermissionError):
            return False
        except OSError as error:
            log.warning("no file locks in %s (%s): processes with overlapping ranges may do the same work twice",
                        self._path.parent, error.strerror)  # fmt: skip
            self.works = False
        return True

    def release(self, begin: int, end: int) -> None:
        """Unlock the positions [begin, end)."""
        assert self._file is not None
        if self.works:
            fcntl.lockf(self._file, fcntl.LOCK_UN, end - begin, begin)
