"""A classifier as a folder with a page: opened as a file or from any server, it classifies pictures in the browser."""

from __future__ import annotations

import base64
import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from t2w.errors import T2WError
from t2w.export.onnxruntime_web import FILES, find_runtime
from t2w.files import atomic_folder, write_json

if TYPE_CHECKING:
    from t2w.export.onnx_file import OnnxModel

__all__ = ["check_place", "write_page"]

_PAGE = ("index.html", "style.css", "page.js", "LICENCES.txt")
_MARK = "t2w-page.json"


def check_place(folder: str | Path) -> None:
    """Raises T2WError unless the folder is new, empty, or a page that was written before: it is replaced whole."""
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise T2WError(f"{folder} is a file", expected="a folder's name: a page is several files")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARK).is_file():
        raise T2WError(f"{folder} holds other files", expected="a new or an empty folder, or an exported page")


def write_page(folder: str | Path, made: OnnxModel, *, runtime: str | Path | None = None) -> None:
    """Write the page, its model and the runtime, whole or not at all.

    Args:
        folder: see `check_place`.
        runtime: folder of onnxruntime-web; None: see `find_runtime`.

    Raises:
        T2WError: a model that does not resize pictures, no runtime, another folder there, or it cannot be written.
    """
    folder = Path(folder).resolve()  # "." has no name that another could be put beside
    check_place(folder)
    if not made.about["resizes"]:
        raise T2WError(
            f"a page takes pictures of any size, and {made.about['encoder'].get('identity')} only its own",
            expected="an encoder that resizes bicubically or bilinearly",
            fix="export --to onnx",
        )
    place = find_runtime(runtime)
    script, glue, wasm = (place / name for name in FILES)
    with atomic_folder(folder) as temporary:
        for name in _PAGE:
            text = (files("t2w.export") / "page" / name).read_text(encoding="utf-8")
            (temporary / name).write_text(text, encoding="utf-8")
        (temporary / "runtime.js").write_bytes(script.read_bytes())
        _assign(temporary / "wasm.js", "T2W_WASM", glue=_base64(glue.read_bytes()), wasm=_base64(wasm.read_bytes()))
        model = _base64(made.model.SerializeToString())
        _assign(temporary / "model.js", "T2W_MODEL", about=made.about, onnx=model)
        write_json(temporary / _MARK, {**made.about, "format": "t2w-page"})


def _assign(path: Path, name: str, **value: object) -> None:
    """A script that sets a global; only ASCII, so that no encoding is guessed."""
    path.write_text(f"globalThis.{name} = {json.dumps(value)};\n", encoding="ascii")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
