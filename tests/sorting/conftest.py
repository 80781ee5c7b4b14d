"""A folder of photographs of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_classifier import photographs


@pytest.fixture(autouse=True)
def without_waiting_for_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda handle: None)


@pytest.fixture
def holiday(tmp_path: Path) -> Path:
    names = ("cat-1.jpg", "dog-1.jpg", "unsure-1.jpg", "none-1.jpg", "day 2/cat-1.jpg", "day 2/dog-2.jpg")
    photographs(tmp_path / "holiday", *names)
    return tmp_path / "holiday"
