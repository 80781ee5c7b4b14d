"""A YAML of the reference, unchanged, from the command line: it trains, and `t2w eval` scores it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_reference_yaml import TEXT

from t2w.adapters import linear_head
from t2w.generator import Generator, ReferenceConfig


@pytest.fixture
def call(t2w: Callable[..., Any], small_config: list[str], tmp_path: Path) -> Callable[..., Any]:
    (tmp_path / "trial.yaml").write_text(TEXT.replace("rng_seed: 3", "rng_seed: 0"), encoding="utf-8")
    data = [text for text in small_config if not text.startswith(("generator.", "train."))]
    small = ["train.epochs=2", "train.batch_size=16", "train.warmup_epochs=1", "diffusion.steps=5"]

    def run(verb: str, *more: str) -> Any:
        yaml = ["--config-path", str(tmp_path), "--config-name", "trial"]
        return t2w(verb, *yaml, *data, *small, f"out={tmp_path / 'run'}", *more)

    return run


def test_it_trains_and_is_scored(
    call: Callable[..., Any], finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear_head, "_STEPS", 40)  # how good that baseline is, is not looked at
    shutil.copytree(finished_run, tmp_path / "run")  # with the same tasks, features and adapters
    trained = call("train", "--update")
    assert trained.code == 0, trained.err
    assert trained.err.count("done before") == 4
    assert "ignored: vis" in trained.err
    assert "multiplies it by zero" in trained.err
    generator = Generator.load(tmp_path / "run" / "train" / "generator.safetensors")
    assert isinstance(generator.config, ReferenceConfig)
    assert (generator.config.n_embd, generator.config.split_policy) == (96, "chunk")
    assert float(generator.normalizer.std[0]) == pytest.approx(1 / 1.646)
    assert json.loads((tmp_path / "run" / "train" / "losses.json").read_text())["train"][-1][0] == 4  # 2 of 40 // 16
    scored = call("eval")
    assert scored.code == 0, scored.err
    assert "generated" in scored.out


def test_what_is_wrong_is_said(call: Callable[..., Any], t2w: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "trial.yaml"
    path.write_text(TEXT.replace("use_ema: false", "use_ema: falseß"), encoding="utf-8")
    found = call("train")
    assert found.code == 2
    assert "falseß" in found.err
    assert "true or false" in found.err
    assert not (tmp_path / "run").exists()
    assert "expected both, or neither" in t2w("train", "--config-path", str(tmp_path)).err
