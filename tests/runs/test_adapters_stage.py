"""The stage `adapters`: what is decided once, what may change later, and what is refused before any work."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from t2w import devices
from t2w.adapters.store import WeightDataset, list_shards
from t2w.files import load_tensors, read_json, read_metadata, save_tensors, write_json


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, of which a shard of adapters is missing again."""
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    list_shards(run / "adapters" / "weights")[1].unlink()
    write_json(run / "adapters" / "stage.json", {**read_json(run / "adapters" / "stage.json"), "finished": False})
    return run


@pytest.fixture
def no_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """To ask which dtype is the faster one fails."""

    def asked(dtype: torch.dtype, device: torch.device) -> float:
        raise AssertionError("the clock was asked again")

    devices._faster.cache_clear()
    monkeypatch.setattr(devices, "_product_seconds", asked)
    yield
    devices._faster.cache_clear()


def weights(run: Path) -> WeightDataset:
    return WeightDataset.open(run / "adapters" / "weights")


def test_dtype_auto_is_decided_once(
    run: Path, finished_run: Path, small_config: list[str], t2w: Callable, no_clock: None
) -> None:
    base = run / "adapters" / "base.safetensors"
    assert read_metadata(base)["dtype"] == weights(finished_run).identity["dtype"]
    outcome = t2w("adapters", *small_config, f"out={run}")
    assert outcome.code == 0, outcome.err
    assert torch.equal(weights(run).base, weights(finished_run).base)
    assert weights(run).identity == weights(finished_run).identity


def test_a_recorded_dtype_holds_whatever_the_clock_says(
    run: Path, small_config: list[str], t2w: Callable, no_clock: None
) -> None:
    base = run / "adapters" / "base.safetensors"
    tensors, metadata = load_tensors(base)
    made_in = {"float32": "bfloat16", "bfloat16": "float32"}[metadata["dtype"]]
    for path in list_shards(run / "adapters" / "weights"):
        path.unlink()
    save_tensors(base, tensors, {**metadata, "dtype": made_in})
    outcome = t2w("adapters", *small_config, f"out={run}")
    assert outcome.code == 0, outcome.err
    assert weights(run).identity["dtype"] == made_in


def test_another_shard_size_makes_nothing_again(run: Path, small_config: list[str], t2w: Callable) -> None:
    kept = {path: path.read_bytes() for path in list_shards(run / "adapters" / "weights")}
    assert len(kept) == 2
    outcome = t2w("adapters", *small_config, "adapters.shard_size=5", f"out={run}")
    assert outcome.code == 0, outcome.err
    assert "16 made, 32 found" in outcome.err
    assert all(path.read_bytes() == content for path, content in kept.items())
    assert len(weights(run)) == 48


def test_training_reads_its_vectors_from_the_shards(
    finished_run: Path, small_config: list[str], t2w: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The training adapters are memory-mapped: only those of validation are loaded."""
    run, loaded = Path(shutil.copytree(finished_run, tmp_path / "run")), []

    def vectors(dataset: WeightDataset) -> torch.Tensor:
        loaded.append(len(dataset))
        return dataset.mapped[:]

    monkeypatch.setattr(WeightDataset, "vectors", property(vectors))
    assert t2w("train", *small_config, f"out={run}", "train.steps=2", "--update").code == 0
    assert set(loaded) == {8}


def test_an_adapter_larger_than_the_memory_is_refused(
    run: Path, small_config: list[str], t2w: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "_machine_memory", lambda: 2.0**35)
    outcome = t2w("adapters", *small_config, f"out={run}", "adapters.hidden=100000000", "--update")
    assert outcome.code == 2
    assert (
        "training an adapter of 100,000,000 hidden units needs 669 GiB of memory; expected at most 32 GiB"
        in outcome.err
    )
    assert "make adapters.hidden smaller" in outcome.err
    assert "Traceback" not in outcome.err
