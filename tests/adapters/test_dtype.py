"""What `dtype: auto` becomes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from t2w import devices
from t2w.devices import resolve_dtype
from t2w.errors import T2WError

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
