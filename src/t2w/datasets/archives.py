"""Archives from elsewhere: looked into with care, never unpacked over other files."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from t2w.errors import T2WError
from t2w.files import atomic_folder

__all__ = ["checked_names", "open_zip", "unpack_tar"]

_LARGEST = 20_000_000_000  # bytes of an unpacked archive: ten times what Caltech-256 comes to


def checked_names(names: Iterable[str], archive: Path) -> list[str]:
    """The names, none of which leads out of the archive. Raises T2WError naming the first that does."""
    names = list(names)
    for name in names:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in name.split("/", 1)[0]:
            raise T2WError(
                f"{archive} holds {name!r}, a path that leads out of it",
                expected="relative paths",
                fix="do not use this archive; fetch the official one",
            )
    return names


def open_zip(path: Path, what: str) -> tuple[zipfile.ZipFile, list[str]]:
    """A zip archive and its checked names. Raises T2WError where it is none, or is damaged."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise T2WError(f"{path} is not a whole zip archive ({error})", expected=what, fix="fetch it again") from error
    return archive, checked_names(archive.namelist(), path)


def unpack_tar(path: Path, folder: Path) -> Path:
    """Unpack a tar archive of plain files into `folder`, whole or not at all; what is there already is used again.

    Raises:
        T2WError: no tar archive, a damaged one, or one with links, devices or paths that lead out of it.
    """
    if folder.is_dir():
        return folder
    try:
        with tarfile.open(path) as archive, atomic_folder(folder) as temporary:
            members = archive.getmembers()
            checked_names((member.name for member in members), path)
            if odd := [member.name for member in members if not (member.isfile() or member.isdir())]:
                raise T2WError(f"{path} holds {odd[0]!r}, a link or a device", expected="files and folders")
            if (total := sum(member.size for member in members)) > _LARGEST:
                raise T2WError(f"{path} unpacks to {total:,} bytes", expected=f"at most {_LARGEST:,}")
            archive.extractall(temporary, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise T2WError(f"{path} is not a whole tar archive ({error})", fix="fetch it again") from error
    return folder
