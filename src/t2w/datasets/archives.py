"""Archives from elsewhere, read in place: nothing is unpacked, and nothing in them leads out of them."""

from __future__ import annotations

import stat
import tarfile
import zipfile
from collections.abc import Collection
from pathlib import Path
from threading import Lock
from typing import Any

from t2w.datasets.lazy import Files
from t2w.errors import T2WError

__all__ = ["open_archive", "read_tar_members"]

_LARGEST = 64_000_000  # bytes of one file that is read: a member that unpacks to more is neither photograph nor list
_LARGEST_TAR = 1_000_000_000  # bytes that a compressed tar may unpack to: CIFAR-100 comes to 186 million
_UNSAFE = "do not use this archive; fetch the official one"


def open_archive(path: Path, what: str) -> Files:
    """The files of a zip archive or of an uncompressed tar archive, which should have been `what`.

    Raises T2WError where it is neither, is damaged, or has links or paths that lead out of it.
    """
    try:
        if zipfile.is_zipfile(path):
            return _ZipFiles(path)
        if tarfile.is_tarfile(path):
            return _TarFiles(path)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise T2WError(f"{path} is damaged or cut short ({error})", expected=what, fix="fetch it again") from error
    raise T2WError(f"{path} is not a whole zip or tar archive", expected=what, fix="fetch it again")


class _ZipFiles:
    """A zip archive. Members are found and closed under a lock; they are read and unpacked side by side."""

    def __init__(self, path: Path) -> None:
        self.path, self._archive, self._lock = path, zipfile.ZipFile(path), Lock()
        for info in self._archive.infolist():
            _check_name(info.filename, path)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise _refused(info.filename, "a link", path)
        self.names = [name for name in self._archive.namelist() if not name.endswith("/") and not _hidden(name)]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path,)  # on another machine: opened there

    def read(self, name: str) -> bytes:
        info = self._archive.getinfo(name)
        _check_size(info.file_size, f"{name} in {self.path}")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # the others unpack without a bound
            raise _damaged(name, self.path, "it is packed by neither of the two usual methods")
        try:
            with self._lock:
                stream = self._archive.open(info)
            try:
                return stream.read(info.file_size)  # without a number all of it is unpacked, however much that is
            finally:
                with self._lock:  # the archive counts its open members
                    stream.close()
        except Exception as error:  # zlib.error, NotImplementedError, RuntimeError for a password, and others
            raise _damaged(name, self.path, error) from error

    def identity(self, name: str) -> list[Any]:
        info = self._archive.getinfo(name)
        return [name, info.file_size, info.CRC]


class _TarFiles:
    """An uncompressed tar archive: a member is a stretch of the file."""

    def __init__(self, path: Path) -> None:
        self.path, self._file, self._lock = path, path.open("rb"), Lock()
        self._place: dict[str, tuple[int, int]] = {}
        try:
            with tarfile.open(path, "r:") as archive:
                for member in archive:
                    if _is_file(member, path) and not _hidden(member.name):
                        self._place[member.name.removeprefix("./")] = (member.offset_data, member.size)
        except tarfile.ReadError as error:
            raise T2WError(
                f"{path} is a compressed or damaged tar archive ({error})",
                expected="an uncompressed tar, which can be read in place",
                fix="unpack it and give the folder",
            ) from error
        self._file.seek(-512, 2)
        if any(self._file.read()):  # tarfile takes the end of the file for the end of the archive
            raise T2WError(
                f"{path} is cut short: it has no end mark", expected="the whole archive", fix="fetch it again"
            )
        self.names = list(self._place)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path,)

    def read(self, name: str) -> bytes:
        begin, size = self._place[name]
        _check_size(size, f"{name} in {self.path}")
        try:
            with self._lock:
                self._file.seek(begin)
                content = self._file.read(size)
        except OSError as error:
            raise _damaged(name, self.path, error) from error
        if len(content) < size:
            raise _damaged(name, self.path, f"{len(content)} of {size} bytes")
        return content

    def identity(self, name: str) -> list[Any]:
        return [name, self._place[name][1]]


def read_tar_members(path: Path, names: Collection[str]) -> dict[str, bytes]:
    """Files of a tar archive, compressed or not, read in one pass; a name that is not there is left out.

    Raises T2WError where it is damaged, unpacks to more than a gigabyte, or has links or paths that lead out of it.
    """
    found: dict[str, bytes] = {}
    total = 0
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if (total := total + member.size) > _LARGEST_TAR:  # before the step that would unpack it
                    raise T2WError(f"{path} unpacks to {total:,} bytes", expected=f"at most {_LARGEST_TAR:,}")
                if _is_file(member, path) and member.name in names:
                    stream = archive.extractfile(member)
                    assert stream is not None  # it is a file
                    found[member.name] = stream.read()
    except T2WError:
        raise
    except Exception as error:  # tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError
        raise T2WError(f"{path} is not a whole tar archive ({error})", fix="fetch it again") from error
    return found


def _is_file(member: tarfile.TarInfo, path: Path) -> bool:
    _check_name(member.name, path)
    if member.isdir():
        return False
    if not member.isfile() or member.issparse():
        raise _refused(member.name, "a link or a device", path)
    return True


def _check_name(name: str, archive: Path) -> None:
    parts = name.replace("\\", "/").split("/")  # not pathlib: there may be a million names
    if not parts[0] or ".." in parts or ":" in parts[0]:
        raise _refused(name, "a path that leads out of it", archive)


def _refused(name: str, why: str, archive: Path) -> T2WError:
    return T2WError(f"{archive} holds {name!r}, {why}", expected="plain files and folders", fix=_UNSAFE)


def _damaged(name: str, archive: Path, reason: object) -> T2WError:
    return T2WError(f"{name} in {archive} cannot be read ({reason})", fix="fetch the archive again")


def _check_size(size: int, where: str) -> None:
    if size > _LARGEST:
        raise T2WError(f"{where} unpacks to {size:,} bytes", expected=f"at most {_LARGEST:,}", fix=_UNSAFE)


def _hidden(name: str) -> bool:
    """Files of the desktop that packed it: .DS_Store, __MACOSX/._1.jpg."""
    plain = "/" + name.removeprefix("./")
    return "/." in plain or "/__MACOSX/" in plain
