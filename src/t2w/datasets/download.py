"""Official archives: where they are, and fetching them where their licence allows it."""

from __future__ import annotations

import hashlib
import http.client
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from t2w.errors import T2WError
from t2w.files import atomic_path
from t2w.network import ANSWER_SECONDS, within
from t2w.progress import progress

__all__ = ["ARCHIVES", "Archive", "fetch", "hub_source", "located"]

_SECONDS = 10.0  # for every block the server sends
_BLOCK = 1 << 20
_FOLDER = Path("~/.cache/t2w/datasets")


@dataclass(frozen=True)
class Archive:
    """An official archive."""

    file: str  # its name
    url: str  # where it is, or the page to get it from
    # "md5:..." or "sha256:..." as published; None: nothing is fetched, its licence is for a user to accept
    checksum: str | None = None


ARCHIVES = {
    "cifar100": Archive(
        "cifar-100-python.tar.gz",
        "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        "md5:eb9058c3a382ffc7106e4002c42a8d85",
    ),
    "caltech256": Archive(
        "256_ObjectCategories.tar",
        "https://data.caltech.edu/records/nyy15-4j048/files/256_ObjectCategories.tar",
        "md5:67b4f42ca05d46448c6bb8ecd2220f6d",
    ),
    "tiny_imagenet": Archive("tiny-imagenet-200.zip", "http://cs231n.stanford.edu/tiny-imagenet-200.zip"),
    "imagenet": Archive("ILSVRC/Data/CLS-LOC", "https://image-net.org/download"),
}


def located(name: str, path: str | Path | None, *, download: bool) -> Path:
    """Where a dataset's archive or folder is. Raises T2WError where it is not here; it says where to get it."""
    archive = ARCHIVES.get(name)
    if path is not None:
        found = Path(path).expanduser()
        if not found.exists():
            raise T2WError(f"there is no {found}", expected=f"the files of {name}", fix=_fix(name, archive))
        return found
    if archive is None:
        raise T2WError(f"dataset {name!r} needs a path", fix="dataset.path=FOLDER")
    kept = _FOLDER.expanduser() / archive.file
    if kept.exists():
        return kept
    if not download or archive.checksum is None:
        raise T2WError(f"the files of {name} are not here", fix=_fix(name, archive))
    return fetch(archive, kept)


def _fix(name: str, archive: Archive | None) -> str:
    if archive is None:
        return "dataset.path=FOLDER"
    other = ", or set dataset.download=true" if archive.checksum else ""
    return f"get {archive.file} from {archive.url} and name it, dataset.path=PATH{other}"


def fetch(archive: Archive, path: Path) -> Path:
    """Download an archive to `path`, checked, whole or not at all. Raises T2WError where that fails."""
    kind, _, expected = str(archive.checksum).partition(":")
    digest = hashlib.new(kind, usedforsecurity=False)
    with atomic_path(path) as temporary:
        try:
            answer = within(ANSWER_SECONDS, lambda: urllib.request.urlopen(archive.url, timeout=_SECONDS))
            with answer, temporary.open("wb") as file:
                total = int(answer.headers.get("Content-Length") or 0)
                with progress(archive.file, total=total, unit="B") as bar:
                    while block := answer.read(_BLOCK):
                        file.write(block)
                        digest.update(block)
                        bar.update(len(block))
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise T2WError(
                f"{archive.url} cannot be fetched ({reason})",
                fix=f"get {archive.file} on another machine and name it: dataset.path=PATH",
            ) from error
        if digest.hexdigest() != expected:
            raise T2WError(
                f"{archive.url} gave a file with {kind.upper()} {digest.hexdigest()}",
                expected=expected,
                fix="try again, or get it elsewhere; nothing was kept",
            )
    return path


def hub_source(path: str | Path | None) -> str | Path | None:
    """The path where it is "hf://owner/name" (or "...@revision"), or a folder of Parquet files; else None."""
    if path is None or str(path).startswith("hf:/"):
        return None if path is None else str(path)
    folder = Path(path).expanduser()
    parquet = folder.is_dir() and any(any(folder.glob(pattern)) for pattern in ("*.parquet", "data/*.parquet"))
    return folder if parquet else None
