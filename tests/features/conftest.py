from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def shared_features() -> Path:
    """The Tiny-ImageNet features beside the project; the test is skipped where they are absent."""
    folder = Path(os.environ.get("T2W_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
    path = folder / "tiny-imagenet-200-features.safetensors"
    if not path.is_file():
        pytest.skip(f"{path} is absent (T2W_DATA can point to its folder)")
    return path
