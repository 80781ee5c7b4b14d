"""A tensor too large to be held, written row by row into a file like any other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from t2w.files import CHECKSUM, atomic_path

__all__ = ["save_rows"]


def save_rows(
    path: str | Path, name: str, blocks: Iterable[Tensor], shape: tuple[int, int], metadata: Mapping[str, Any]
) -> None:
    """Write what `t2w.files.save_tensors` writes of one float32 tensor that comes in blocks of rows, one at a time.

    The checksum stands before the data it is of: its place is kept, and filled at the end.

    Raises:
        T2WError: the file cannot be written, or whatever `blocks` raises; nothing is there then.
    """
    text = {key: json.dumps(value, ensure_ascii=False) for key, value in metadata.items()}
    digest = hashlib.sha256(json.dumps(sorted(text.items())).encode())
    digest.update(f"{name}/{torch.float32}/{tuple(shape)}".encode())
    size = 4 * shape[0] * shape[1]

    def head(checksum: str) -> bytes:
        tensor = {"dtype": "F32", "shape": list(shape), "data_offsets": [0, size]}
        content = json.dumps({"__metadata__": {**text, CHECKSUM: json.dumps(checksum)}, name: tensor}).encode()
        content += b" " * (-len(content) % 8)  # the data are aligned
        return len(content).to_bytes(8, "little") + content

    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(head("0" * 2 * digest.digest_size))
        written = 0
        for block in blocks:
            content = block.contiguous().view(torch.uint8).numpy().data
            digest.update(content)
            written += file.write(content)
        assert written == size
        file.seek(0)
        file.write(head(digest.hexdigest()))
