"""The weights in a model's folder: safetensors, whole or in parts, and never a pickle."""

from __future__ import annotations

import hashlib
from pathlib import Path

from t2w.errors import T2WError
from t2w.files import read_json, sha256_of

__all__ = ["SINGLE", "weight_files", "weights_hash"]

SINGLE = "model.safetensors"
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def weight_files(folder: Path) -> list[Path]:
    """model.safetensors, or the parts that model.safetensors.index.json lists.

    Raises:
        T2WError: neither is there, pickled weights only, or a part is missing.
    """
    if (folder / SINGLE).is_file():
        return [folder / SINGLE]
    index = folder / f"{SINGLE}.index.json"
    if index.is_file():
        parts = read_json(index, what="a list of the parts of a model's weights")
        names = sorted({str(name) for name in parts.get("weight_map", {}).values()}) if isinstance(parts, dict) else []
        for name in names or ["its parts"]:
            if Path(name).name != name or not (folder / name).is_file():
                raise T2WError(f"{index} lists {name}, which is not there", fix="copy the model's folder whole")
        return [folder / name for name in names]
    pickled = [path.name for path in sorted(folder.iterdir()) if path.suffix in _PICKLED]
    if pickled:
        raise T2WError(
            f"{folder} has its weights as a pickle ({pickled[0]}), which could run any program when it is read",
            expected=SINGLE,
            fix="use a revision or a copy of the model with safetensors",
        )
    raise T2WError(f"{folder} has no weights", expected=SINGLE, fix="copy the model's folder whole")


def weights_hash(folder: Path) -> str:
    """The first 16 hex digits of the weights' SHA-256; of the parts' digests, one after another, where it has parts."""
    files = weight_files(folder)
    if len(files) == 1:
        return sha256_of(files[0])[:16]
    return hashlib.sha256("".join(sha256_of(file) for file in files).encode()).hexdigest()[:16]
