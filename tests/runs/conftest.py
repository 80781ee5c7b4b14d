"""What makes the runs of these tests quick, where it is not what they look at."""

from __future__ import annotations

import pytest

from t2w.adapters import linear_head
from t2w.runs import stage_eval


@pytest.fixture(autouse=True)
def quick_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The baseline's accuracy is not what tests look at."""
    monkeypatch.setattr(linear_head, "_STEPS", 40)


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is the report, but for a few."""
    monkeypatch.setattr(stage_eval, "write_run_report", lambda *_: None)
