"""`from_pretrained`, `save_pretrained`, `push_to_hub`: folders, files and a hub that is not there."""

from __future__ import annotations

import json
import socket
import time
from functools import partial
from pathlib import Path

import fake_hub
import huggingface_hub
import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard

from t2w import Classifier, T2WError, TextToWeights
from t2w.files import load_tensors
from t2w.network import upload

FILES = ["README.md", "config.json", "model.safetensors"]
pytestmark = pytest.mark.filterwarnings("ignore::t2w.T2WWarning")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fake_hub.FakeHub:
    return fake_hub.install(tmp_path / "hub", monkeypatch)


def same(one: Classifier, other: Classifier) -> bool:
    images = np.arange(128, dtype=np.uint8).reshape(2, 8, 8) % 17
    return one.classes == other.classes and np.array_equal(one.predict_proba(images), other.predict_proba(images))


def test_a_classifier_goes_through_a_folder(digits_classifier: Classifier, tmp_path: Path) -> None:
    digits_classifier.save_pretrained(tmp_path / "mine")
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == FILES
    assert same(Classifier.from_pretrained(tmp_path / "mine"), digits_classifier)
    digits_classifier.save(tmp_path / "mine.t2w")
    assert same(Classifier.from_pretrained(str(tmp_path / "mine.t2w")), digits_classifier)
    config = json.loads((tmp_path / "mine" / "config.json").read_text())
    assert (config["format"], config["classes"]) == ("t2w-classifier", ["three", "five", "eight"])
    card = ModelCard.load(tmp_path / "mine" / "README.md")
    assert (card.data.library_name, card.data.pipeline_tag) == ("t2w", "image-classification")
    for word in ("three", "a photo of a eight", "seed: 3", "from_pretrained"):
        assert word in card.text


def test_a_generator_goes_through_a_folder(
    digits_writer: TextToWeights, digits_classifier: Classifier, tmp_path: Path
) -> None:
    digits_writer.save_pretrained(tmp_path / "writer")
    assert sorted(path.name for path in (tmp_path / "writer").iterdir()) == FILES
    again = TextToWeights.from_pretrained(tmp_path / "writer")
    assert torch.equal(again.generate("three, five, eight", seed=3).weights, digits_classifier.weights)
    card = ModelCard.load(tmp_path / "writer" / "README.md").text
    assert "unseen combination" in card  # the scoreboard of the run it was read from
    assert "oracle" in card
    assert "No scoreboard lies beside its weights" in _card_of(again, tmp_path / "third")


def _card_of(digits_writer: TextToWeights, folder: Path) -> str:
    digits_writer.save_pretrained(folder)
    return (folder / "README.md").read_text()


def test_what_is_stored_is_safetensors_and_json(digits_classifier: Classifier, tmp_path: Path) -> None:
    digits_classifier.save_pretrained(tmp_path)
    tensors, metadata = load_tensors(tmp_path / "model.safetensors", checked=True)
    assert set(tensors) == {"weights", "text"}
    assert json.loads((tmp_path / "config.json").read_text()) == json.loads(json.dumps(metadata))


def test_there_and_back_over_the_hub(
    hub: fake_hub.FakeHub, digits_writer: TextToWeights, digits_classifier: Classifier, tmp_path: Path
) -> None:
    assert digits_classifier.push_to_hub("me/digits", private=True) == "https://hub.invalid/me/digits"
    assert same(Classifier.from_pretrained("me/digits", revision="v1"), digits_classifier)
    digits_writer.push_to_hub("me/writer", message="first")
    again = TextToWeights.from_pretrained("me/writer")
    assert torch.equal(again.generate("three, five, eight", seed=3).weights, digits_classifier.weights)
    assert sorted(path.name for path in (hub.root / "me/writer").iterdir()) == FILES
    assert (hub.private, hub.messages) == ({"me/digits": True, "me/writer": False}, ["t2w classifier", "first"])
    assert hub.revisions == ["v1", None]


def test_pushing_needs_a_token_a_name_and_a_right(
    hub: fake_hub.FakeHub, digits_classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(T2WError, match=r"the name on the hub is 'digits'; expected user/name"):
        digits_classifier.push_to_hub("digits")
    with pytest.raises(
        T2WError, match=r"cannot push 'me/x' to the hub at https://hub.invalid: 401 .*Unauthorized; check"
    ):
        digits_classifier.push_to_hub("me/x", token="wrong")
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    with pytest.raises(T2WError, match=r"no token to push 'me/x' with; set HF_TOKEN"):
        digits_classifier.push_to_hub("me/x")


def test_what_is_not_there(hub: fake_hub.FakeHub, digits_classifier: Classifier, tmp_path: Path) -> None:
    with pytest.raises(T2WError, match=r"the classifier me/none is not on the Hugging Face hub"):
        Classifier.from_pretrained("me/none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(T2WError, match=r"there is no generator in .*empty; expected .*; finish the run: t2w run out="):
        TextToWeights.from_pretrained(tmp_path / "empty")
    with pytest.raises(T2WError, match=r"there is no classifier in .*empty; expected a folder with model.safetensors"):
        Classifier.from_pretrained(tmp_path / "empty")
    with pytest.raises(T2WError, match=r"cannot read absent.t2w: No such file"):
        Classifier.from_pretrained("absent.t2w")
    digits_classifier.save_pretrained(tmp_path / "mine")
    with pytest.raises(T2WError, match=r"revision v1 of .*mine; expected a revision of a classifier on the hub"):
        Classifier.from_pretrained(tmp_path / "mine", revision="v1")
    with pytest.raises(T2WError, match=r"holds 't2w-classifier'; expected a generator"):
        TextToWeights.from_pretrained(tmp_path / "mine")


def test_no_network_is_not_waited_for(
    digits_classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    quick = partial(upload, answer_seconds=0.5)
    monkeypatch.setattr("t2w.sharing.upload", quick)
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes the connection, says nothing
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
        begin = time.monotonic()
        with pytest.raises(T2WError, match=r"cannot push 'me/x' to the hub at .*: it did not answer in 0\.5 s; check"):
            digits_classifier.push_to_hub("me/x", token="secret")
        assert time.monotonic() - begin < 5
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    begin = time.monotonic()
    with pytest.raises(T2WError, match=r"the generator runs/demo is not here and the Hugging Face hub cannot be used"):
        TextToWeights.from_pretrained("runs/demo")
    assert time.monotonic() - begin < 5
