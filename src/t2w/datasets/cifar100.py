"""CIFAR-100: 32x32 photographs of 100 classes, from the official Python archive or its folder."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any, Literal

import numpy as np

from t2w.datasets.archives import read_tar_members
from t2w.datasets.image_set import ImageSet
from t2w.datasets.registry import class_list
from t2w.errors import T2WError

__all__ = ["load_cifar100"]

_FOLDER, _FILES = "cifar-100-python", ("meta", "train", "test")
_ALLOWED = ("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct", "numpy.ndarray", "numpy.dtype")


def load_cifar100(path: Path) -> tuple[ImageSet, ImageSet]:
    """The official (train, test) images with fine labels, of cifar-100-python.tar.gz, read in place, or its folder.

    Raises T2WError at other data, damage, or a pickle that asks for more than arrays; nothing is executed.
    """
    names = class_list("cifar100")
    contents = _contents(path)
    meta = _unpickled(contents["meta"], f"{path}/meta")
    stored = tuple(
        name.decode() if isinstance(name, bytes) else name for name in _field(meta, "fine_label_names", path)
    )
    if stored != names:
        raise T2WError(f"{path} has classes {', '.join(stored[:3])}, ...", expected=f"{', '.join(names[:3])}, ...")

    def part(split: Literal["train", "test"]) -> ImageSet:
        batch = _unpickled(contents.pop(split), f"{path}/{split}")
        data = np.asarray(_field(batch, "data", path))
        labels = np.asarray(_field(batch, "fine_labels", path))
        if data.ndim != 2 or data.shape[1] != 3072 or data.dtype != np.uint8:
            raise T2WError(f"{path}/{split} holds data {data.shape} {data.dtype}", expected="(N, 3072) uint8")
        if labels.dtype.kind != "i":
            raise T2WError(f"{path}/{split} holds labels of type {labels.dtype}", expected="whole numbers")
        return ImageSet(
            np.ascontiguousarray(data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), labels.astype(np.int64), names,
            split, "cifar100", "not stated; collected from the web for research",
            "Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009", provenance={"split": "official"},
        )  # fmt: skip

    return part("train"), part("test")


def _contents(path: Path) -> dict[str, bytes]:
    if path.is_dir():
        inner = path / _FOLDER if (path / _FOLDER).is_dir() else path
        found = {name: (inner / name).read_bytes() for name in _FILES if (inner / name).is_file()}
    else:
        members = read_tar_members(path, {f"{_FOLDER}/{name}" for name in _FILES})
        found = {name.removeprefix(f"{_FOLDER}/"): content for name, content in members.items()}
    if missing := [name for name in _FILES if name not in found]:
        raise T2WError(
            f"{path} has no {missing[0]}", expected="meta, train and test of cifar-100-python", fix="fetch it again"
        )
    return found


class _Arrays(pickle.Unpickler):
    """Unpickles dicts, lists, texts and numpy arrays; anything else is refused before it is called."""

    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" not in _ALLOWED:
            raise T2WError(f"a pickle asks for {module}.{name}", expected="arrays and lists alone")
        return super().find_class(module, name)


def _unpickled(content: bytes, where: str) -> dict[Any, Any]:
    try:
        value = _Arrays(io.BytesIO(content), encoding="bytes").load()
    except T2WError as error:
        raise T2WError(f"{where}: {error.found}", expected=error.expected, fix="fetch the official archive") from error
    except Exception as error:  # damaged pickles raise nearly anything
        raise T2WError(f"{where} is damaged ({error})", fix="fetch the archive again") from error
    if not isinstance(value, dict):
        raise T2WError(f"{where} holds a {type(value).__name__}", expected="a dict, as CIFAR-100 has it")
    return value


def _field(values: dict[Any, Any], key: str, path: Path) -> Any:
    found = values.get(key.encode(), values.get(key))
    if found is None:
        raise T2WError(f"{path} has no {key}", expected="the official CIFAR-100")
    return found
