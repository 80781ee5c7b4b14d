"""Files on their way in: pictures and zip files of them, bounded while they arrive."""

from __future__ import annotations

import hashlib
import struct
from contextlib import suppress
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from t2w.datasets.archives import open_archive
from t2w.errors import T2WError
from t2w.files import not_written
from t2w.images import IMAGE_SUFFIXES
from t2w.web.bounds import Bounds, megabytes
from t2w.web.session import Picture, Session

if TYPE_CHECKING:
    from t2w.datasets.lazy import Files

__all__ = ["Incoming"]

_MOST_DIRECTORY = 2_000_000  # bytes of a zip file's list of members: some 20,000 of them
_END, _END_SIZE = b"PK\x05\x06", 22  # of a zip file, where the list's size stands 12 bytes after its mark


class Incoming:
    """One file that arrives in pieces.

    Args:
        session: whose it is.
        name: its path as the person has it.
        bounds: what is refused.

    Raises:
        T2WError: neither a picture nor a zip file by its name, one picture too many, or a full disk.
    """

    def __init__(self, session: Session, name: str, bounds: Bounds) -> None:
        self.session, self.bounds = session, bounds
        self.name = name.replace("\\", "/").strip("/")[-500:] or "picture"
        suffix = PurePosixPath(self.name).suffix.lower()
        self.is_zip = suffix == ".zip"
        if not self.is_zip and suffix not in IMAGE_SUFFIXES:
            raise T2WError(f"{self.name} is no picture", expected="an image file or a zip file of them")
        bounds.check_count(len(session.pictures) + (not self.is_zip))
        place = session.folder / "pictures"
        try:
            self._file = NamedTemporaryFile(dir=place, suffix=suffix, delete=False)  # noqa: SIM115
        except OSError as error:  # a full disk, or a session that has just ended
            raise not_written(place, error) from error
        self._path, self._size, self._digest = Path(self._file.name), 0, hashlib.sha256()

    def take(self, piece: bytes) -> None:
        """Keep the next piece. Raises T2WError where it is one too many, or the disk is full."""
        self._size += len(piece)
        kept = self.session.keep(len(piece))
        self.bounds.check_file(self.name, self._size, is_zip=self.is_zip)
        self.bounds.check_total(kept)
        self._digest.update(piece)
        try:
            self._file.write(piece)
        except OSError as error:
            raise not_written(self._path, error) from error

    def finish(self) -> int:
        """Take the whole file into the session; how many pictures it brought.

        Raises:
            T2WError: a zip file that is damaged, unsafe, or holds more than it may; none of it is taken.
        """
        try:
            self._file.close()
        except OSError as error:  # what was not written yet is written now
            raise not_written(self._path, error) from error
        if not self.is_zip:
            if self._add(self.name, self._path, self._digest.digest(), self._size):
                return 1
            self.discard()
            return 0
        try:
            return self._unpack()
        finally:
            self.discard()

    def discard(self) -> None:
        """Forget the file, where it did not come to its end."""
        with suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)
        self.session.keep(-self._size)
        self._size = 0

    def _add(self, name: str, path: Path, digest: bytes, size: int) -> bool:
        """Make a file one of the session's pictures; False where that has one like it."""
        session = self.session
        with session.lock:
            if digest in session.digests:
                return False
            self.bounds.check_count(len(session.pictures) + 1)  # others arrive at the same time
            session.digests.add(digest)
            number = len(session.digests)
            session.pictures[number] = Picture(number, name, path, size)
        return True

    def _unpack(self) -> int:
        _check_directory(self._path, self.name)
        try:
            archive = open_archive(self._path, "a zip file of pictures")
        except T2WError as error:  # its sentence has the name that the file is kept under
            raise _renamed(error, self._path, self.name) from error
        names = [name for name in archive.names if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES]
        if not names:
            raise T2WError(f"{self.name} holds no pictures", expected="a zip file of image files")
        self.bounds.check_count(len(self.session.pictures) + len(names))
        sizes = [archive.identity(name)[1] for name in names]
        for name, size in zip(names, sizes, strict=True):
            self.bounds.check_file(f"{name} in {self.name}", size)
        if self.session.kept_bytes - self._size + sum(sizes) > self.bounds.session_bytes:
            raise T2WError(
                f"{self.name} unpacks to {megabytes(sum(sizes))}",
                expected=f"at most {megabytes(self.bounds.session_bytes)} on this page",
            )
        return sum(self._member(archive, name) for name in names)

    def _member(self, archive: Files, name: str) -> bool:
        try:
            content = archive.read(name)
        except T2WError as error:
            self.session.refused.append((name, str(_renamed(error, self._path, self.name))))
            return False
        assert isinstance(content, bytes)  # an archive has no files of its own
        suffix = PurePosixPath(name).suffix.lower()
        try:
            with NamedTemporaryFile(dir=self._path.parent, suffix=suffix, delete=False) as file:
                file.write(content)
        except OSError as error:
            raise not_written(self._path, error) from error
        self.session.keep(len(content))
        added = False
        try:
            added = self._add(name, Path(file.name), hashlib.sha256(content).digest(), len(content))
        finally:
            if not added:
                Path(file.name).unlink()
                self.session.keep(-len(content))
        return added


def _check_directory(path: Path, name: str) -> None:
    """Raises T2WError at a list of members that would take a lot of memory; it is read before they can be counted."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _END_SIZE - 65_535))
        tail = file.read()
    end = tail.rfind(_END)
    if end < 0 or len(tail) < end + _END_SIZE:
        raise T2WError(f"{name} is not a whole zip file", fix="pack it again")
    (size,) = struct.unpack_from("<L", tail, end + 12)
    if size > _MOST_DIRECTORY:  # a zip64 file says 0xFFFFFFFF here
        raise T2WError(f"{name} holds too many files", expected="some thousands", fix="pack fewer")


def _renamed(error: T2WError, path: Path, name: str) -> T2WError:
    """An error of a file that is kept under another name than the person knows."""
    return T2WError(error.found.replace(str(path), name), expected=error.expected, fix=error.fix)
