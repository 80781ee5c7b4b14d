"""One photograph to its place: whole or not at all, never over another file, its only copy never at risk.

Whatever moment it is stopped at, the photograph is at its source, at its target, or at both.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from t2w.errors import T2WError
from t2w.files import sha256_of
from t2w.sorting.entry import How, Mark

__all__ = ["Left", "clear_leftovers", "holds_the_name_only", "same_photograph", "transfer"]

_BLOCK = 1 << 20  # bytes copied at once
_PREFIX, _SUFFIX = ".t2w-", ".part"
_NO_LINKS = (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL)


class Left(T2WError):
    """A photograph that stays where it is, and as it is; the others go on."""


def transfer(source: Path, target: Path, mark: Mark, how: How) -> None:
    """Copy, link or move a file to a name that is free; times and permissions stay.

    Args:
        mark: of the source when it was last looked at.

    Raises:
        Left: the source cannot be read or removed, or has changed.
        FileExistsError: something is at the target.
        OSError: the target cannot be written.
        T2WError: a hard link that the file system does not allow.
    """
    if how == "copy":
        _copy(source, target, mark)
        return
    _check(source, mark)
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError as error:
        if how == "move":
            _copy(source, target, mark)  # to another file system, or on one without hard links
            _sync_folder(target.parent)
        elif error.errno in _NO_LINKS:
            raise T2WError(
                f"{source} cannot be linked to {target}: {error.strerror}",
                expected="both on one file system that has hard links",
                fix="copy instead: leave out --link",
            ) from error
        else:
            raise
    if how == "move":
        _remove(source, target, mark)


def _copy(source: Path, target: Path, mark: Mark) -> None:
    with _readable(source):
        file = source.open("rb")
    with file:
        _check(source, mark, file.fileno())
        handle, name = tempfile.mkstemp(prefix=_PREFIX, suffix=_SUFFIX, dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as copy:
                while block := _read(file, source):
                    copy.write(block)
                _check(source, mark, file.fileno())
                copy.flush()
                os.fsync(copy.fileno())
            with suppress(OSError):  # times come first; not every file system has all the rest
                shutil.copystat(source, name)
            _put(name, target)
        finally:
            with suppress(OSError):
                os.unlink(name)


def _put(temporary: str, target: Path) -> None:
    """Give a finished file its name, unless that is taken."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:  # no hard links here: an empty file holds the name until the whole one replaces it
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        os.replace(temporary, target)


def _remove(source: Path, target: Path, mark: Mark) -> None:
    """Take a file from its old place, now that it is at the new one."""
    try:
        if os.path.lexists(source):  # else another program took it away, and the target is the only place
            _check(source, mark)
            os.unlink(source)
    except (Left, OSError) as error:
        if not os.path.lexists(source):
            return
        os.unlink(target)
        if isinstance(error, Left):
            raise
        raise Left(f"{source} cannot be moved away: {error.strerror or error}", fix="copy: leave out --move") from error


def same_photograph(a: Path, b: Path) -> bool:
    """Whether both are there as files of the same content, so that one may go; not where both are one name."""
    try:
        first, second = a.lstat(), b.lstat()
        if not (stat.S_ISREG(first.st_mode) and stat.S_ISREG(second.st_mode)):
            return False
        if (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino):
            # A folder may have been replaced by a link to the other: then there is one name, and it must stay.
            return first.st_nlink > 1 and os.path.realpath(a) != os.path.realpath(b)
        return first.st_size == second.st_size and sha256_of(a) == sha256_of(b)
    except OSError:
        return False


def holds_the_name_only(path: Path, whole: Path) -> bool:
    """Whether `path` is the empty file that held a name for `whole` when a transfer without hard links was killed."""
    return os.path.lexists(path) and path.lstat().st_size == 0 < whole.lstat().st_size


def clear_leftovers(folder: Path) -> None:
    """Remove what a copy that was killed had written of a photograph, which is still at its source."""
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with suppress(OSError):
            path.unlink()


def _read(file: BinaryIO, source: Path) -> bytes:
    with _readable(source):
        return file.read(_BLOCK)


def _check(source: Path, mark: Mark, handle: int | None = None) -> None:
    """Raises Left where a file, or what is open of it, is no longer what was looked at."""
    with _readable(source):
        state = source.lstat() if handle is None else os.fstat(handle)
    if not stat.S_ISREG(state.st_mode) or Mark.of(state) != mark:
        raise Left(f"{source} changed after it was looked at", fix="sort again to have it sorted as it is now")


@contextmanager
def _readable(source: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Left(f"cannot read {source}: {error.strerror or error}", expected="an image file") from error


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # Windows has no handles of folders
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
