"""The files of onnxruntime-web that a page needs: from a folder, from the cache, or once from the npm registry."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
from pathlib import Path

from t2w.errors import T2WError
from t2w.files import atomic_folder
from t2w.network import within

__all__ = ["CACHE", "FILES", "VERSION", "find_runtime"]

VERSION = "1.30.0"
FILES = ("ort.wasm.min.js", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
CACHE = Path(f"~/.cache/t2w/onnxruntime-web-{VERSION}")
_ADDRESS = f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"
_SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
_SECONDS, _ANSWER_SECONDS = 300.0, 10.0  # for the whole download, and for a part of it to arrive
_MOST_BYTES = 300_000_000


def find_runtime(folder: str | Path | None = None) -> Path:
    """A folder with `FILES`.

    Args:
        folder: that `npm pack onnxruntime-web` was unpacked in, the package's own or its `dist`; None for the cache,
            which is filled from the npm registry where it is empty.

    Raises:
        T2WError: they are not there, the registry does not answer, or it gives another file than the published one.
    """
    if folder is not None:
        for place in (Path(folder), Path(folder) / "dist", Path(folder) / "package" / "dist"):
            if _complete(place):
                return place
        raise T2WError(
            f"there is no onnxruntime-web in {folder}",
            expected=f"a folder with {', '.join(FILES)}",
            fix=f"npm pack onnxruntime-web@{VERSION} && tar xzf onnxruntime-web-{VERSION}.tgz, and give `package`",
        )
    cache = CACHE.expanduser()
    if not _complete(cache):
        packed = _download()
        with atomic_folder(cache) as place:
            unpack(packed, place)
    return cache


def unpack(packed: bytes, folder: Path) -> None:
    """Write `FILES` of the package's archive, once it is known to be the published one. Raises T2WError where not."""
    if (found := base64.b64encode(hashlib.sha512(packed).digest()).decode()) != _SHA512:
        raise T2WError(
            f"{_ADDRESS} has SHA-512 {found:.16}...", expected=f"{_SHA512:.16}..., the published file", fix=_by_hand()
        )
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for name in FILES:
            member = archive.extractfile(f"package/dist/{name}")
            assert member is not None  # the checksum says what is inside
            (folder / name).write_bytes(member.read())


def _download() -> bytes:
    from urllib.request import urlopen

    def ask() -> bytes:
        with urlopen(_ADDRESS, timeout=_ANSWER_SECONDS) as answer:
            data: bytes = answer.read(_MOST_BYTES)
            return data

    try:
        return within(_SECONDS, ask)
    except Exception as error:  # of the network, in many kinds
        raise T2WError(
            f"a page needs onnxruntime-web, which is not in {CACHE} and cannot be fetched ({error})", fix=_by_hand()
        ) from error


def _by_hand() -> str:
    return f"where there is a network: npm pack onnxruntime-web@{VERSION}, unpack it, give --onnxruntime-web FOLDER"


def _complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in FILES)
