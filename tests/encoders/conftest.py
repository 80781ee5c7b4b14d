"""Pictures, and tiny models saved as the published ones are: config, safetensors, preprocessing, tokenizer."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import PROCESSORS, network, save_tokenizer


@pytest.fixture
def photo() -> Callable[[int, int], np.ndarray]:
    """A smooth random picture with some noise: (height, width) to uint8 RGB."""

    def make(height: int, width: int, seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[0:height, 0:width]
        waves = [np.sin(x / rng.uniform(2, 30) + y / rng.uniform(2, 30) + rng.uniform(0, 6)) for _ in range(3)]
        noisy = 127 + 90 * np.stack(waves, axis=-1) + rng.normal(0, 20, (height, width, 3))
        return np.clip(noisy, 0, 255).astype(np.uint8)

    return make


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny model: "resnet", "clip", "dinov2", "convnext", "vit" or "vit_classifier"."""
    pytest.importorskip("transformers")
    made: dict[str, Path] = {}

    def folder(kind: str) -> Path:
        if kind not in made:
            path = made[kind] = tmp_path_factory.mktemp("models") / f"tiny-{kind}"
            with torch.random.fork_rng():
                torch.manual_seed(len(kind))
                network(kind).save_pretrained(path, safe_serialization=True)
            processor = PROCESSORS["vit" if kind.startswith("vit") else kind]
            (path / "preprocessor_config.json").write_text(json.dumps(processor))
            if kind == "clip":
                save_tokenizer(path)
        return made[kind]

    return folder


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Accepts connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the network was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
