"""torch.compile: the same losses, the same names of weights, the same average."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close
from training_parts import Setup, same, state_of, train

from t2w.generator import GeneratorConfig, WeightTransformer, build_network

SLOW = pytest.mark.skipif(
    not os.environ.get("T2W_SLOW") or shutil.which("g++") is None, reason="a minute of C++: set T2W_SLOW=1"
)


@pytest.mark.parametrize("backend", ["aot_eager", pytest.param("inductor", marks=SLOW)])
def test_compiled_equals_plain(setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    small = GeneratorConfig(setup.network().config.spec, text_dim=8, n_embd=16, n_layer=1, n_head=2)
    monkeypatch.setattr(Setup, "network", lambda self: build_network(small))
    calls: list[str] = []
    real = torch.compile

    def compile_(network: WeightTransformer) -> object:
        calls.append(type(network).__name__)
        return real(network, backend=backend)

    monkeypatch.setattr(torch, "compile", compile_)
    changes = {"steps": 2, "log_every": 1, "validate_every": 2, "checkpoint_every": 2}
    _, plain = train(setup, tmp_path / "plain", **changes)
    assert calls == []
    network, compiled = train(setup, tmp_path / "compiled", compile=True, **changes)
    assert calls == ["WeightTransformer"]
    assert_close(torch.tensor(compiled.train_losses), torch.tensor(plain.train_losses), atol=1e-4, rtol=0)
    stored = state_of(tmp_path / "compiled")
    for part in ("network", "ema"):
        assert stored[part].keys() == plain.weights.keys()
    for name, value in plain.weights.items():
        assert_close(compiled.weights[name], value, atol=1e-4, rtol=0)
    assert same(network.state_dict(), compiled.weights)
    assert not same(stored["network"], stored["ema"])
