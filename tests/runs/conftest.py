"""Runs of these tests fit linear heads in a few steps: the baseline's accuracy is not what they look at."""

from __future__ import annotations

import pytest

from t2w.adapters import linear_head


@pytest.fixture(autouse=True)
def quick_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_head, "_STEPS", 40)
