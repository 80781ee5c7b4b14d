"""Vectors where they lie: the same numbers as those in memory, and no more of them read than asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from t2w.adapters import AdapterSpec
from t2w.adapters.store import MappedVectors, WeightDataset
from t2w.errors import T2WError
from t2w.generator import Normalizer
from t2w.training.rows import WeightRows


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


def test_normalisers_and_the_loop_read_a_block_at_a_time(tmp_path: Path) -> None:
    rows, spec = 2500, AdapterSpec(3, 2, 4, 20.0)
    vectors = torch.randn(rows, spec.size, generator=torch.Generator().manual_seed(0))
    save_file({"vectors": vectors}, tmp_path / "shard.safetensors")
    places = torch.stack([torch.zeros(rows, dtype=torch.int64), torch.arange(rows)], dim=1)
    read: list[int] = []

    class Counting(MappedVectors):
        def __getitem__(self, index: slice | torch.Tensor) -> torch.Tensor:
            read.append(len(found := super().__getitem__(index)))
            return found

    mapped = Counting([tmp_path / "shard.safetensors"], places, spec.size)
    fitted, plain = Normalizer.fit(vectors[0], mapped), Normalizer.fit(vectors[0], vectors)
    assert torch.equal(fitted.std, plain.std)
    assert torch.allclose(fitted.std, vectors.std(0), rtol=1e-6)
    assert torch.allclose(fitted.mean, (vectors - vectors[0]).mean(0), atol=1e-6)
    assert Normalizer.coefficient_for(mapped) == pytest.approx(0.538 / float(vectors.std()), rel=1e-6)
    held = WeightRows(spec, mapped, fitted, torch.device("cpu"))
    assert torch.equal(held.read(torch.tensor([2400, 7])), plain.normalize(vectors[[2400, 7]]))
    assert max(read) == 1024


def test_a_file_that_is_gone_is_named(dataset: WeightDataset) -> None:
    mapped = dataset.mapped
    dataset.files[1].unlink()
    with pytest.raises(T2WError, match=f"cannot read {dataset.files[1]}.*open the dataset again"):
        mapped[:]
