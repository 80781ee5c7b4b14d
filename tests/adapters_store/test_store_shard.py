"""A shard comes back as it was written, or not at all."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from t2w.adapters.store import DamagedShard, Shard, list_shards, read_shard, set_aside, shard_range, write_shard
from t2w.errors import T2WError

Make = Callable[..., Shard]


def test_round_trip(tmp_path: Path, shard: Make) -> None:
    written = shard(3, 9)
    path = write_shard(tmp_path, written)
    assert path.name == "adapters-000003-000009.safetensors"
    read = read_shard(path)
    for field in ("begin", "end", "total", "fingerprint", "identity", "spec", "records", "texts", "provenance"):
        assert getattr(read, field) == getattr(written, field), field
    assert torch.equal(read.vectors, written.vectors)
    assert torch.equal(read.base, written.base)


def test_any_flipped_bit_is_found(tmp_path: Path, shard: Make) -> None:
    path = write_shard(tmp_path, shard(0, 4))
    whole = path.read_bytes()
    generator = random.Random(0)
    for _ in range(400):
        at, bit = generator.randrange(len(whole)), generator.randrange(8)
        content = bytearray(whole)
        content[at] ^= 1 << bit
        path.write_bytes(content)
        with pytest.raises(T2WError) as caught:
            read_shard(path)
        # Only the version number itself may be taken at its word.
        assert isinstance(caught.value, DamagedShard) or "format version" in str(caught.value)
        assert path.name in str(caught.value)


def test_another_spelling_of_the_same_number_is_found(tmp_path: Path, shard: Make) -> None:
    path = write_shard(tmp_path, shard(0, 4, provenance={"seconds": 1e-05}))
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"1e-05", b"1E-05"))  # one bit
    assert path.read_bytes() != whole
    with pytest.raises(DamagedShard, match="its checksum differs"):
        read_shard(path)


def test_any_truncation_is_found(tmp_path: Path, shard: Make) -> None:
    path = write_shard(tmp_path, shard(0, 4))
    whole = path.read_bytes()
    for length in [0, 1, 8, 9, 100, len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedShard, match=path.name):
            read_shard(path)
    path.unlink()
    with pytest.raises(DamagedShard, match=r"cannot read .*No such file.*expected a complete shard"):
        read_shard(path)


def test_wrong_shape_wrong_type_and_wrong_records(tmp_path: Path, shard: Make) -> None:
    good = shard(0, 4)
    for changes, message in [
        ({"vectors": good.vectors[:, :-1]}, r"vectors of shape \(4, 28\); expected \(4, 29\)"),
        ({"vectors": good.vectors[:3]}, r"vectors of shape \(3, 29\); expected \(4, 29\)"),
        ({"vectors": good.vectors.double()}, "of type torch.float64; expected float32"),
        ({"records": good.records[1:]}, "3 records"),
    ]:
        path = write_shard(tmp_path, shard(0, 4, **changes))
        with pytest.raises(DamagedShard, match=message):
            read_shard(path)


def test_a_renamed_shard_is_not_taken_for_another(tmp_path: Path, shard: Make) -> None:
    path = write_shard(tmp_path, shard(0, 4))
    other = path.rename(tmp_path / "adapters-000004-000008.safetensors")
    with pytest.raises(DamagedShard, match=r"holds positions 0\.\.4"):
        read_shard(other)


def test_nan_is_not_written(tmp_path: Path, shard: Make) -> None:
    vectors = shard(0, 4).vectors
    vectors[1, 3] = float("inf")
    with pytest.raises(T2WError, match="adapters of tasks 1001 are not finite"):
        write_shard(tmp_path, shard(0, 4, vectors=vectors))
    assert list(tmp_path.iterdir()) == []


def test_names() -> None:
    assert shard_range("x/adapters-000256-000512.safetensors") == (256, 512)
    assert shard_range("adapters-1000000-1000256.safetensors") == (1000000, 1000256)
    for name in (
        "manifest.json",
        ".adapters-000256-000512.safetensors.x.tmp",
        "adapters-000256-000512.safetensors.damaged",
    ):
        assert shard_range(name) is None


def test_set_aside_numbers_its_files_and_spares_good_ones(tmp_path: Path, shard: Make) -> None:
    for name in ("adapters-000000-000004.safetensors.damaged", "adapters-000000-000004.safetensors.damaged.1"):
        path = write_shard(tmp_path, shard(0, 4))
        path.write_bytes(path.read_bytes()[:-1])
        assert set_aside(path) == tmp_path / name
        assert not path.exists()
    assert set_aside(path) is None  # another process was first
    path = write_shard(tmp_path, shard(0, 4))
    assert set_aside(path) is None  # another process has made it again in the meantime
    read_shard(path)
    assert list_shards(tmp_path) == [path]
