"""What `dtype: auto` becomes, and that machines which chose differently do not mix."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from t2w import devices
from t2w.adapters.store import shard_name
from t2w.devices import resolve_dtype
from t2w.errors import T2WError
from t2w.files import save_tensors
from t2w.runs.stage_adapters import _dtype

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def measured_anew() -> Iterator[None]:
    devices._faster.cache_clear()
    yield
    devices._faster.cache_clear()


@pytest.mark.parametrize(
    ("narrow", "chosen"), [(0.1, torch.bfloat16), (0.9, torch.float32), (70.0, torch.float32)], ids=str
)
def test_auto_is_what_the_clock_says(monkeypatch: pytest.MonkeyPatch, narrow: float, chosen: torch.dtype) -> None:
    asked = []

    def seconds(dtype: torch.dtype, device: torch.device) -> float:
        asked.append(dtype)
        return narrow if dtype == torch.bfloat16 else 1.0

    monkeypatch.setattr(devices, "_product_seconds", seconds)
    assert resolve_dtype("auto", CPU) == resolve_dtype("auto", CPU) == chosen
    assert len(asked) == 2  # measured once


def test_auto_without_bfloat16_is_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(dtype: torch.dtype, device: torch.device) -> float:
        raise RuntimeError("BFloat16 is not supported")

    monkeypatch.setattr(devices, "_product_seconds", seconds)
    assert resolve_dtype("auto", CPU) == torch.float32


def test_this_machine_can_be_measured() -> None:
    assert resolve_dtype("auto", CPU) in (torch.float32, torch.bfloat16)


def test_names_are_taken_as_they_are() -> None:
    assert resolve_dtype("bfloat16", CPU) == torch.bfloat16
    with pytest.raises(T2WError, match="dtype is 'half'"):
        resolve_dtype("half", CPU)


def test_a_folder_of_another_dtype_is_refused_with_the_one_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(devices, "_product_seconds", lambda dtype, device: 1.0)
    assert _dtype(tmp_path, "auto", CPU) == torch.float32
    path = tmp_path / shard_name(0, 4)
    save_tensors(path, {"vectors": torch.zeros(4, 2)}, {"identity": {"dtype": "bfloat16"}})
    with pytest.raises(T2WError, match=r"trained in bfloat16, but float32 is the faster.*set adapters.dtype=bfloat16"):
        _dtype(tmp_path, "auto", CPU)
    with pytest.raises(T2WError, match=r"trained in bfloat16, but adapters.dtype is float32"):
        _dtype(tmp_path, "float32", CPU)
    assert _dtype(tmp_path, "bfloat16", CPU) == torch.bfloat16
    path.write_bytes(b"damaged")
    assert _dtype(tmp_path, "auto", CPU) == torch.float32
