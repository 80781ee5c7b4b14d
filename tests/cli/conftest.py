"""The encoder of `colour_world` in the place of every other, and a classifier of its colours."""

from __future__ import annotations

from pathlib import Path

import pytest
from colour_world import colour_classifier, from_dict


@pytest.fixture
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t2w.encoders.vision_encoder_from_dict", from_dict)


@pytest.fixture
def classifier(tmp_path: Path) -> str:
    path = tmp_path / "colours.t2w"
    colour_classifier().save(path)
    return str(path)
