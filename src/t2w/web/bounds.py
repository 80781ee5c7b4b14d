"""How much one page may bring, and the sentences for what is more."""

from __future__ import annotations

from dataclasses import dataclass

from t2w.errors import T2WError

__all__ = ["Bounds", "megabytes"]

_FIX = "sort larger folders with `t2w sort`, which has no such bounds"


@dataclass(frozen=True)
class Bounds:
    """Bounds of what is uploaded. Of the pixels of a picture see `t2w.images.MAX_PIXELS`.

    Attributes:
        pictures: of one session.
        picture_bytes: of one picture.
        zip_bytes: of one zip file.
        session_bytes: of all that a session keeps.
        sessions: at once.
    """

    pictures: int = 2_000
    picture_bytes: int = 40_000_000
    zip_bytes: int = 150_000_000
    session_bytes: int = 500_000_000
    sessions: int = 8

    def check_file(self, name: str, size: int, *, is_zip: bool = False) -> None:
        """Raises T2WError where a file is larger than it may be."""
        most, fix = (self.zip_bytes, _FIX) if is_zip else (self.picture_bytes, "make it smaller")
        _check(size, most, f"{name} has {megabytes(size)}", fix)

    def check_count(self, count: int) -> None:
        """Raises T2WError where a session would have more pictures than it may."""
        if count > self.pictures:
            raise T2WError(f"{count:,} pictures", expected=f"at most {self.pictures:,} on this page", fix=_FIX)

    def check_total(self, size: int, found: str = "") -> None:
        """Raises T2WError, which begins with `found`, where a session would keep more bytes than it may."""
        _check(size, self.session_bytes, found or f"pictures of {megabytes(size)} in all", _FIX)


def _check(size: int, most: int, found: str, fix: str) -> None:
    if size > most:
        raise T2WError(found, expected=f"at most {megabytes(most)}", fix=fix)


def megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB" if size >= 10**6 else f"{size:,} bytes"
