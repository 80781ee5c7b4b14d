from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from t2w.adapters import AdapterSpec
from t2w.adapters.store import AdapterRecord, Shard, write_shard

SPEC = AdapterSpec(6, 2, 5, 20.0)
TOTAL = 24


def make_shard(begin: int, end: int, **changes: Any) -> Shard:
    """Positions [begin, end) of one job of 24: vectors drawn by position, so that shards of any range agree."""
    rows = [torch.randn(SPEC.size, generator=torch.Generator().manual_seed(i)) for i in range(begin, end)]
    values: dict[str, Any] = {
        "begin": begin,
        "end": end,
        "total": TOTAL,
        "fingerprint": "f" * 16,
        "identity": {
            "seed": 3,
            "dtype": "float32",
            "recipe": {"steps": 20, "epochs": None, "batch_size": 64, "learning_rate": 1e-3, "schedule": "cosine"},
            "train_features": {"encoder": "pixels", "preprocessing": "none", "hash": "abc"},
        },
        "spec": SPEC,
        "vectors": torch.stack(rows),
        "base": torch.full((SPEC.size,), 0.5),
        "records": tuple(record(i) for i in range(begin, end)),
        "texts": {f"c{i}": f"a photo of a c{i}" for i in range(6)},
        "provenance": {"t2w": "0", "torch": "2", "device": "cpu", "recipe": "fast", "seconds": 1.5},
    }
    return Shard(**{**values, **changes})


def record(i: int) -> AdapterRecord:
    names = tuple(f"c{c}" for c in range(2 + i % 3))
    tested = None if i % 4 == 3 else i / TOTAL
    return AdapterRecord(i, 1000 + i, names, i * 7, 20, 0.25 * i, 0.5, tested, "validation" if i % 5 == 4 else "train")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A complete dataset in three shards."""
    for begin, end in ((0, 10), (10, 20), (20, 24)):
        write_shard(tmp_path, make_shard(begin, end))
    return tmp_path


@pytest.fixture
def shard() -> Callable[..., Shard]:
    return make_shard


@pytest.fixture
def everything() -> torch.Tensor:
    """(24, P): the vectors of the whole job."""
    return make_shard(0, TOTAL).vectors
