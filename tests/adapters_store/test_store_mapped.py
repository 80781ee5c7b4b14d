"""Vectors where they lie: the same numbers as those in memory, and no more of them read than asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from t2w.adapters.store import MappedVectors, WeightDataset
from t2w.errors import T2WError


@pytest.fixture
def dataset(folder: Path) -> WeightDataset:
    return WeightDataset.open(folder)


def test_equals_the_vectors_in_memory(dataset: WeightDataset) -> None:
    mapped = dataset.mapped
    assert mapped.shape == (24, dataset.spec.size)
    assert len(mapped) == 24
    for index in (slice(None), slice(5, 18), slice(0, 0), torch.tensor([23, 0, 8, 8, 15])):
        assert torch.equal(mapped[index], dataset.vectors[index])


def test_a_subset_is_in_its_own_order(dataset: WeightDataset) -> None:
    part = dataset.subset([20, 3, 11])
    assert torch.equal(part.mapped[:], dataset.vectors[[20, 3, 11]])


def test_what_is_read_is_a_copy(dataset: WeightDataset) -> None:
    mapped = dataset.mapped
    mapped[slice(0, 2)].zero_()
    assert torch.equal(mapped[:], dataset.vectors)


def _resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_one_row_is_read_and_not_the_file(tmp_path: Path) -> None:
    rows, size = 512, 16384
    save_file({"vectors": torch.ones(rows, size)}, tmp_path / "large.safetensors")  # 32 MB
    places = torch.stack([torch.zeros(rows, dtype=torch.int64), torch.arange(rows)], dim=1)
    mapped = MappedVectors([tmp_path / "large.safetensors"], places, size)
    before = _resident()
    assert mapped[torch.tensor([300])].sum() == size
    assert _resident() - before < 8 << 20
    whole = mapped[:]  # the measure sees what is read
    assert _resident() - before > 24 << 20
    assert whole.shape == (rows, size)


def test_a_file_that_is_gone_is_named(dataset: WeightDataset) -> None:
    mapped = dataset.mapped
    dataset.files[1].unlink()
    with pytest.raises(T2WError, match=f"cannot read {dataset.files[1]}.*open the dataset again"):
        mapped[:]
