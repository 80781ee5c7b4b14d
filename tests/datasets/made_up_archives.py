"""Tiny archives in the official formats."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from t2w.datasets import class_list

WNIDS = {"n02124075": "Egyptian cat", "n01443537": "goldfish, Carassius auratus", "n07749582": "lemon"}


def jpeg(grey: int = 0, side: int = 8) -> bytes:
    """A picture whose brightness tells which one it is."""
    file = io.BytesIO()
    Image.new("RGB", (side, side), (grey, grey, grey)).save(file, "JPEG", quality=95)
    return file.getvalue()


def write_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_tar(path: Path, files: Mapping[str, bytes], mode: str = "w", extra: tarfile.TarInfo | None = None) -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        if extra is not None:
            archive.addfile(extra)
    return path


def tiny_imagenet_files(per_class: int = 11) -> dict[str, bytes]:
    """Three classes; the greys of training images count up from 10 * class, of validation images from 100."""
    files = {
        "wnids.txt": "\n".join(WNIDS).encode(),
        "words.txt": "".join(f"{wnid}\t{words}\n" for wnid, words in sorted(WNIDS.items())).encode(),
    }
    for row, wnid in enumerate(WNIDS):
        for i in range(per_class):
            files[f"train/{wnid}/images/{wnid}_{i}.JPEG"] = jpeg(40 * row + 2 * i)
        files[f"train/{wnid}/{wnid}_boxes.txt"] = b"..."
    answers = ["n07749582", "n02124075", "n07749582", "n01443537"]
    for i in range(len(answers)):
        files[f"val/images/val_{i}.JPEG"] = jpeg(150 + 10 * i)
    files["val/val_annotations.txt"] = "".join(
        f"val_{i}.JPEG\t{wnid}\t0\t0\t7\t7\n" for i, wnid in enumerate(answers)
    ).encode()
    files["test/images/test_0.JPEG"] = jpeg(255)
    return {f"tiny-imagenet-200/{name}": content for name, content in files.items()}


def caltech_files(per_class: int) -> dict[str, bytes]:
    picture = jpeg()
    files = {}
    for number, name in enumerate(class_list("caltech256"), start=1):
        for i in range(1, per_class + 1):
            files[f"256_ObjectCategories/{number:03d}.{name}/{number:03d}_{i:04d}.jpg"] = picture
    files["256_ObjectCategories/056.dog/greg/vision309/056_0001.jpg"] = picture
    files["256_ObjectCategories/198.spider/RENAME2"] = b"perl"
    files["256_ObjectCategories/.DS_Store"] = b"desktop"
    return files


def python2_pickle(value: object) -> bytes:
    """A pickle as Python 2 wrote the official files: protocol 2, strings of bytes, arrays by numpy.core.multiarray."""

    def body(value: object) -> bytes:
        if isinstance(value, dict):
            return b"}(" + b"".join(body(k) + body(v) for k, v in value.items()) + b"u"
        if isinstance(value, list):
            return b"](" + b"".join(map(body, value)) + b"e"
        if isinstance(value, bytes):
            return b"T" + struct.pack("<i", len(value)) + value
        if isinstance(value, int):
            return b"J" + struct.pack("<i", value)
        assert isinstance(value, np.ndarray)
        start = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n" + b"(" + body(0) + b"t" + body(b"b") + b"tR"
        dtype = b"cnumpy\ndtype\n(" + body(b"u1") + body(0) + body(1) + b"tR("
        dtype += body(3) + body(b"|") + b"NNN" + body(-1) + body(-1) + body(0) + b"tb"
        shape = b"(" + b"".join(body(n) for n in value.shape) + b"t"
        return start + b"(" + body(1) + shape + dtype + b"\x89" + body(value.tobytes()) + b"tb"

    return b"\x80\x02" + body(value) + b"."


def cifar_files(n_train: int = 6, n_test: int = 4) -> dict[str, bytes]:
    def part(n: int, start: int) -> dict[bytes, object]:
        data = np.zeros((n, 3, 32, 32), dtype=np.uint8)
        data[:, 0, 0, 1] = np.arange(n) + start  # red, first row, second column
        data[:, 2, 31, 0] = 200  # blue, last row, first column
        labels = [(7 * i + start) % 100 for i in range(n)]
        return {b"data": data.reshape(n, 3072), b"fine_labels": labels, b"coarse_labels": [0] * n, b"batch_label": b"x"}

    meta = {b"fine_label_names": [name.encode() for name in class_list("cifar100")], b"coarse_label_names": [b"fish"]}
    contents = {"meta": meta, "test": part(n_test, 50), "train": part(n_train, 10), "file.txt~": {}}
    return {f"cifar-100-python/{name}": python2_pickle(value) for name, value in contents.items()}
