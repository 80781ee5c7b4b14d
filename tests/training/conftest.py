from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
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
def _one_thread() -> Iterator[None]:
    """Networks this small lose more by waiting for a second thread than they gain, above all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
