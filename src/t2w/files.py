"""Files written whole or not at all, and read with an error that says what to do.

Everything the project stores is safetensors or JSON (or text); nothing is unpickled.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2w.errors import T2WError

if TYPE_CHECKING:
    import torch

__all__ = [
    "CHECKSUM", "atomic_folder", "atomic_path", "fingerprint", "load_tensors", "not_written", "read_json",
    "read_metadata", "save_tensors", "sha256_of", "write_json", "write_text",
]  # fmt: skip

CHECKSUM = "checksum"  # the metadata key of every file that `save_tensors` writes


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it replaces `path`, on any failure it is removed.

    A link is followed: what it points to is replaced. A folder, device or pipe never is.

    Raises:
        T2WError: the folder cannot be written, the disk is full, or something other than a file is there.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "a pipe" if path.is_fifo() else "a device"
        raise T2WError(f"{path} is {kind}", expected="a file, or nothing", fix="choose another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o666 & ~_umask())
            os.replace(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink()
    except OSError as error:
        raise not_written(path, error) from error


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """As `atomic_path`, for a folder: on success it takes the place of the one that is there, whole."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
        try:
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            if path.exists():
                shutil.rmtree(path)
            os.replace(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise not_written(path, error) from error


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


_FULL, _NO_RIGHT = (errno.ENOSPC, errno.EDQUOT), (errno.EACCES, errno.EPERM, errno.EROFS)


def not_written(path: Path, error: Exception) -> T2WError:
    """The sentence for a file that cannot be written: no right, no space, or whatever the system says."""
    number, reason = (error.errno, error.strerror) if isinstance(error, OSError) else (None, None)
    fix = "choose a folder that you may write to" if number in _NO_RIGHT else "choose another folder"
    if number in _FULL or "no space left" in str(error).lower():
        fix = "free some space or choose another folder; what was written before is complete"
    return T2WError(f"cannot write {path}: {reason or error}", fix=fix)


def write_text(path: str | Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any, *, indent: int | None = 2) -> None:
    write_text(path, json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: str | Path, *, what: str = "a JSON file", fix: str | None = None) -> Any:
    """Read a JSON file. Raises T2WError where it is missing, unreadable or truncated.

    Args:
        what: what the file should have been, for the error's sentence.
        fix: what to do when it is missing; None to leave that out.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise T2WError(f"cannot read {path}: {error.strerror or error}", expected=what, fix=fix) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise _damaged(f"{path} is not valid JSON ({error})", what) from error


def _damaged(found: str, what: str) -> T2WError:
    return T2WError(found, expected=f"{what}, complete", fix="make or copy it again")


def save_tensors(
    path: str | Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, Any] | None = None
) -> None:
    """Write a safetensors file atomically; each metadata value is stored as JSON text, and a checksum beside them."""
    from safetensors.torch import save_file

    text = {key: json.dumps(value, ensure_ascii=False) for key, value in (metadata or {}).items()}
    stored = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    text[CHECKSUM] = json.dumps(_checksum(stored, text))
    with atomic_path(path) as temporary:
        try:
            save_file(stored, temporary, metadata=text)
        except Exception as error:  # safetensors wraps "no space left" in an exception of its own
            if "os error" in str(error).lower():
                raise not_written(Path(path), error) from error
            raise


def load_tensors(
    path: str | Path, *, what: str = "a safetensors file", checked: bool = False
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read a safetensors file: its tensors, and its metadata with JSON values decoded (other text is left as it is).

    Args:
        checked: refuse a file without a checksum, too: `save_tensors` wrote it, and a flipped bit may hit that word.

    Raises:
        T2WError: missing, truncated, not safetensors, or not what its checksum, where it has one, is of.
    """
    with _opened(path, what) as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        text = dict(file.metadata() or {})
    stored = text.pop(CHECKSUM, None)
    if (stored is None and checked) or (stored is not None and stored != json.dumps(_checksum(tensors, text))):
        raise _damaged(f"{path} is damaged: it is not what was written, its checksum differs", what)
    return tensors, _decoded(text)


def _checksum(tensors: Mapping[str, torch.Tensor], text: Mapping[str, str]) -> str:
    """SHA-256 of metadata as written (1e-05 and 1E-05 differ), and of the tensors' names, types, shapes and bytes."""
    import torch

    digest = hashlib.sha256(json.dumps(sorted(text.items())).encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name}/{tensor.dtype}/{tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def read_metadata(path: str | Path, *, what: str = "a safetensors file") -> dict[str, Any]:
    """The metadata of a safetensors file alone, without its tensors. Raises as `load_tensors`."""
    with _opened(path, what) as file:
        return _decoded(file.metadata() or {})


@contextmanager
def _opened(path: str | Path, what: str) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    try:
        Path(path).open("rb").close()  # safetensors calls every file that it cannot open missing
        with safe_open(path, framework="pt") as file:
            yield file
    except OSError as error:
        raise T2WError(f"cannot read {path}: {error.strerror or error}", expected=what) from error
    except SafetensorError as error:
        raise _damaged(f"{path} is damaged or not safetensors ({error})", what) from error


def _decoded(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Metadata with its JSON values decoded; other text is left as it is."""
    values: dict[str, Any] = dict(metadata)
    for key, text in metadata.items():
        with suppress(json.JSONDecodeError):
            values[key] = json.loads(text)
    return values


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file, in hex; read anew at every call, for a changed bit need not change the time of change."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def fingerprint(value: Any) -> str:
    """A short stable hash of a JSON-like value (16 hex digits): equal values, equal fingerprints."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
