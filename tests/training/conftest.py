from __future__ import annotations

import pytest
from training_parts import Setup, make_setup

from t2w.adapters import linear_head


@pytest.fixture
def setup() -> Setup:
    return make_setup()


@pytest.fixture(autouse=True)
def _quick_teachers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How good a teacher is, is looked at in its own tests."""
    if request.module.__name__ != "test_teacher":
        monkeypatch.setattr(linear_head, "_STEPS", 20)


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """For every test here."""
