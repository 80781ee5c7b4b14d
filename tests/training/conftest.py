from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from training_parts import Setup, make_setup


@pytest.fixture
def setup() -> Setup:
    return make_setup()


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Networks this small lose more by waiting for a second thread than they gain, above all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
