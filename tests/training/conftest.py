from __future__ import annotations

import pytest
from training_parts import Setup, make_setup


@pytest.fixture
def setup() -> Setup:
    return make_setup()
