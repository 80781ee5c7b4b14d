"""Small pretrained weights that make everything work offline; cards beside them say what they are and who made them.

The commands that make them are in `t2w/pretraining`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from t2w.errors import T2WError
from t2w.files import read_json, sha256_of

__all__ = ["CHECKSUMS", "asset"]

CHECKSUMS = "checksums.json"  # {file name: SHA-256}


@cache
def asset(name: str) -> Path:
    """The path of a file of this folder, its SHA-256 checked once in a process.

    Raises:
        T2WError: there is no such file, or it is not the published one.
    """
    folder = Path(str(files("t2w.assets")))
    fix = "install t2w again: pip install --force-reinstall --no-deps t2w"
    expected = read_json(folder / CHECKSUMS, what="the checksums of the embedded weights", fix=fix).get(name)
    path = folder / name
    if expected is None or not path.is_file():
        raise T2WError(f"the embedded weights {name} are not in this installation", fix=fix)
    if (found := sha256_of(path)) != expected:
        raise T2WError(f"{path} has SHA-256 {found}", expected=expected, fix=fix)
    return path
