"""The weight dataset is the shards in a folder, whatever their cut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from t2w.adapters.store import DamagedShard, Shard, WeightDataset, gaps, list_shards, write_shard
from t2w.errors import T2WError

Make = Callable[..., Shard]


def test_open(folder: Path, shard: Make, everything: torch.Tensor) -> None:
    dataset = WeightDataset.open(folder)
    assert len(dataset) == dataset.total == 24
    assert torch.equal(dataset.vectors, everything)
    assert dataset.vectors is dataset.vectors  # read once
    assert dataset.task_ids == tuple(range(1000, 1024))
    assert dataset.records == shard(0, 24).records
    assert dataset.fingerprint == "f" * 16
    assert torch.equal(dataset.base, torch.full((29,), 0.5))


def test_overlapping_shards_count_once(folder: Path, shard: Make, everything: torch.Tensor) -> None:
    write_shard(folder, shard(5, 15))
    write_shard(folder, shard(0, 24))
    dataset = WeightDataset.open(folder)
    assert len(dataset) == 24
    assert torch.equal(dataset.vectors, everything)


def test_rows_and_subsets_are_pieces_of_the_whole(folder: Path, everything: torch.Tensor) -> None:
    for warm in (False, True):
        dataset = WeightDataset.open(folder)
        if warm:
            assert dataset.vectors.shape == (24, 29)
        assert torch.equal(dataset.rows([21, 3, 3, 12]), everything[[21, 3, 3, 12]])
        part = dataset.subset([20, 4, 9])
        assert part.task_ids == (1020, 1004, 1009)
        assert torch.equal(part.vectors, everything[[20, 4, 9]])
        assert torch.equal(part.subset([2, 0]).vectors, everything[[9, 20]])
        even = dataset.subset(torch.arange(24) % 2 == 0)
        assert torch.equal(even.vectors, everything[::2])
        assert even.subset(split="validation").task_ids == (1004, 1014)


def test_what_is_missing_is_named(folder: Path) -> None:
    list_shards(folder)[1].unlink()
    with pytest.raises(
        T2WError, match=r"14 of 24 adapters, positions 10\.\.19 are missing.*tasks\.begin=10 tasks\.end=20"
    ):
        WeightDataset.open(folder)
    part = WeightDataset.open(folder, complete=False)
    assert part.task_ids == (*range(1000, 1010), *range(1020, 1024))
    with pytest.raises(T2WError, match="no adapters in"):
        WeightDataset.open(folder / "nowhere")


@pytest.mark.parametrize("fault", ["truncated", "flipped"])
def test_a_damaged_shard_is_named(folder: Path, fault: str) -> None:
    victim = list_shards(folder)[1]
    content = bytearray(victim.read_bytes())
    content[-5] ^= 1
    victim.write_bytes(content if fault == "flipped" else content[:-5])
    with pytest.raises(DamagedShard, match=rf"{victim.name}.*run `t2w adapters` again"):
        WeightDataset.open(folder)


def test_two_jobs_are_never_mixed(folder: Path, shard: Make) -> None:
    list_shards(folder)[1].unlink()
    write_shard(folder, shard(10, 20, fingerprint="e" * 16, identity={**shard(0, 1).identity, "seed": 4}))
    with pytest.raises(
        T2WError, match=r"another job \(eeeeeeeeeeeeeeee: seed is 4 there, 3 here\); expected adapters of job ffff"
    ):
        WeightDataset.open(folder)


def test_a_shard_removed_while_open_is_an_error_not_nonsense(folder: Path) -> None:
    dataset = WeightDataset.open(folder)
    list_shards(folder)[1].unlink()
    with pytest.raises(T2WError, match=r"cannot read .*adapters-000010-000020"):
        dataset.rows([12])


def test_gaps() -> None:
    def found(spans: list[tuple[int, int]], begin: int, end: int) -> list[tuple[int, int]]:
        return gaps([Path(f"adapters-{first:06d}-{last:06d}.safetensors") for first, last in spans], begin, end)

    assert found([], 2, 5) == [(2, 5)]
    assert found([(0, 9)], 2, 5) == []
    assert found([(3, 4)], 2, 5) == [(2, 3), (4, 5)]
    assert found([(6, 9), (0, 3), (2, 4)], 0, 12) == [(4, 6), (9, 12)]
    assert found([(20, 30)], 0, 12) == [(0, 12)]
