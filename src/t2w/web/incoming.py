"""Files on their way in: pictures and zip files of them, bounded while they arrive."""

from __future__ import annotations

import hashlib
import struct
from contextlib import suppress
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile

from t2w.datasets.archives import open_archive
from t2w.errors import T2WError
from t2w.files import not_written
from t2w.images import IMAGE_SUFFIXES
from t2w.web.bounds import Bounds, megabytes
from t2w.web.session import Picture, Session

__all__ = ["Incoming"]

_MOST_DIRECTORY = 2_000_000  # bytes of a zip file's list of members: some 20,000 of them
_END, _END_SIZE = b"PK\x05\x06", 22  # of a zip file, where the list's size stands 12 bytes after its mark
_LARGE_END, _LARGE_END_SIZE = b"PK\x06\x07", 20  # before that, where the list's size stands elsewhere


class Incoming:
    """One file that arrives in pieces: ``with Incoming(...) as file``, after which only what was finished is there.

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
        self._path, self._size, self._digest, self._kept = Path(self._file.name), 0, hashlib.sha256(), False

    def __enter__(self) -> Incoming:
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):
            self._file.close()
        if not self._kept:
            self._path.unlink(missing_ok=True)
            self.session.keep(-self._size)

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
        """Take the whole file into the session; how many pictures it brought, of which copies are none.

        Raises:
            T2WError: a zip file that is damaged, unsafe, or holds more than it may, which is seen before any of it is
                taken; or a disk that is full.
        """
        try:
            self._file.close()
        except OSError as error:  # what was not written yet is written now
            raise not_written(self._path, error) from error
        if self.is_zip:
            return self._unpack()
        session, digest = self.session, self._digest.digest()
        with session.lock:
            if digest not in session.digests:
                self.bounds.check_count(len(session.pictures) + 1)  # others arrive at the same time
                session.digests.add(digest)
                number = len(session.digests)
                session.pictures[number] = Picture(number, self.name, self._path, self._size)
                self._kept = True
        return int(self._kept)

    def _unpack(self) -> int:
        _check_directory(self._path, self.name)
        try:
            archive = open_archive(self._path, "a zip file of pictures")
        except T2WError as error:
            raise self._named(error) from error
        names = [name for name in archive.names if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES]
        if not names:
            raise T2WError(f"{self.name} holds no pictures", expected="a zip file of image files")
        self.bounds.check_count(len(self.session.pictures) + len(names))
        sizes = [archive.identity(name)[1] for name in names]
        for name, size in zip(names, sizes, strict=True):
            self.bounds.check_file(f"{name} in {self.name}", size)
        found = f"{self.name} unpacks to {megabytes(sum(sizes))}"
        self.bounds.check_total(self.session.kept_bytes + sum(sizes), found)
        count = 0
        for name in names:
            try:
                content = archive.read(name)
            except T2WError as error:
                self.session.refused.append((name, str(self._named(error))))
                continue
            assert isinstance(content, bytes)  # an archive has no files of its own
            with Incoming(self.session, name, self.bounds) as member:
                member.take(content)
                count += member.finish()
        return count

    def _named(self, error: T2WError) -> T2WError:
        """The error by the name that the person knows, in the place of that which the file is kept under."""
        return T2WError(error.found.replace(str(self._path), self.name), expected=error.expected, fix=error.fix)


def _check_directory(path: Path, name: str) -> None:
    """Raises T2WError at a list of members that would take a lot of memory; it is read before they can be counted."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _END_SIZE - _LARGE_END_SIZE - 65_535))
        tail = file.read()
    end = tail.rfind(_END)
    if end < 0 or len(tail) < end + _END_SIZE:
        raise T2WError(f"{name} is not a whole zip file", fix="pack it again")
    (size,) = struct.unpack_from("<L", tail, end + 12)
    if size > _MOST_DIRECTORY or tail[max(0, end - _LARGE_END_SIZE) :].startswith(_LARGE_END):
        raise T2WError(f"{name} holds too many files", expected="some thousands", fix="pack fewer")
