"""A file written block by block is a file like any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from t2w.errors import T2WError
from t2w.features.joined import save_rows
from t2w.files import load_tensors, save_tensors

ROWS = torch.arange(35, dtype=torch.float32).view(7, 5)
ABOUT = {"format": "rows", "name": "Straße", "begin": 0}


def test_it_holds_what_the_other_way_writes(tmp_path: Path) -> None:
    save_tensors(tmp_path / "at once", {"features": ROWS}, ABOUT)
    for size in (1, 3, 7):
        save_rows(tmp_path / "rows", "features", ROWS.split(size), (7, 5), ABOUT)
        (one, about), (other, same) = (load_tensors(tmp_path / n, checked=True) for n in ("at once", "rows"))
        assert torch.equal(one["features"], other["features"])
        assert about == same == ABOUT
    content = bytearray((tmp_path / "rows").read_bytes())
    content[-1] ^= 1
    (tmp_path / "altered").write_bytes(content)
    with pytest.raises(T2WError, match="its checksum differs"):
        load_tensors(tmp_path / "altered")


def test_nothing_is_left_where_a_block_is_missing(tmp_path: Path) -> None:
    def blocks() -> Iterator[Tensor]:
        yield ROWS[:3]
        raise T2WError("gone")

    with pytest.raises(T2WError, match="gone"):
        save_rows(tmp_path / "rows", "features", blocks(), (7, 5), ABOUT)
    assert not list(tmp_path.iterdir())
