"""Each way in which a hub fails is one sentence within seconds, and harms nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import huggingface_hub
import pytest
from hub_server import READ_ONLY, TOKEN, HubServer, serving
from made_up_classifiers import classifier_of

from t2w import Classifier, T2WError, TextToWeights
from t2w.encoders.hub import find_model
from t2w.network import upload

WEIGHTS = "/resolve/.*/model.safetensors"


@pytest.fixture
def shared(hub: HubServer) -> HubServer:
    """A hub with the classifier me/x."""
    classifier_of(["cat", "dog"]).push_to_hub("me/x")
    hub.requests.clear()
    return hub


def refused(name: str = "me/x") -> str:
    """The sentence that a classifier is refused with."""
    with pytest.raises(T2WError) as caught:
        Classifier.from_pretrained(name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_repository_that_is_not_there_or_not_open(shared: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "the classifier me/none is not on the Hugging Face hub, or not open to you; check the name" in refused(
        "me/none"
    )
    shared.repositories["models/me/x"].private = True
    monkeypatch.setenv("HF_TOKEN", READ_ONLY)
    assert "me/x is not on the Hugging Face hub, or not open to you" in refused()
    monkeypatch.delenv("HF_TOKEN")
    assert "what is private needs HF_TOKEN" in refused()


def test_a_token_that_the_hub_does_not_know(shared: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_old")
    said = refused()
    assert "the Hugging Face hub cannot be used (it does not know the token (401)); set HF_TOKEN to a valid one" in said
    assert "hf_old" not in said


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, "the token does not give the right to that (403)); set HF_TOKEN to one that does"),
        (429, "it answers with error 429); try again later"),
        (500, "it answers with error 500); try again later"),
        (418, "418"),
    ],
)
def test_answers_that_are_errors(status: int, said: str, shared: HubServer) -> None:
    shared.fails("/api/models/me/x", status=status)
    assert said in refused()


def test_an_error_in_the_middle_of_a_download(shared: HubServer) -> None:
    shared.fails(WEIGHTS, status=500)
    assert "the classifier me/x is not here and the Hugging Face hub cannot be used" in refused()
    shared.faults.clear()
    assert Classifier.from_pretrained("me/x").classes == ("cat", "dog")


def test_a_broken_connection_is_taken_up_where_it_broke(shared: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 100)  # of which it counts whole ones
    shared.fails(f"GET .*{WEIGHTS}", cut_after=500, times=2)
    assert Classifier.from_pretrained("me/x").classes == ("cat", "dog")
    assert shared.ranges == ["bytes=500-", "bytes=1000-"]


def test_half_a_download_is_no_model_and_the_next_call_completes_it(shared: HubServer, tmp_path: Path) -> None:
    repository = shared.repositories["models/me/x"]
    repository.commit({"config.json": b"{}"})
    shared.fails(f"GET .*{WEIGHTS}", cut_after=0)
    find = {"name": "me/x", "what": "encoder"}
    with pytest.raises(T2WError, match=r"the encoder me/x is not here and the Hugging Face hub cannot be used"):
        find_model(**find)
    assert not list((tmp_path / "hub-cache").rglob("model.safetensors"))
    shared.faults.clear()
    shared.requests.clear()
    path = find_model(**find).path
    assert (path / "model.safetensors").read_bytes() == repository.files()["model.safetensors"]
    assert not shared.asked("GET .*/config.json")  # which came before


def test_another_file_than_announced_is_refused(shared: HubServer) -> None:
    files = shared.repositories["models/me/x"].files()
    files["model.safetensors"] = files["model.safetensors"][:-100]
    assert "incomplete" in refused() or "cannot read" in refused()


def test_no_answer_is_not_waited_for(shared: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    shared.fails("me/x", silent=True)
    monkeypatch.setattr("t2w.encoders.hub.ANSWER_SECONDS", 0.3)
    begin = time.monotonic()
    with pytest.raises(
        T2WError, match=r"cannot be used \(no answer within 0\.3 seconds\); on a machine with a network"
    ):
        find_model("me/x")
    shared.fails("repos/create", silent=True)
    about = {"kind": "model", "token": None, "private": False, "answer_seconds": 0.3}
    with pytest.raises(T2WError, match=r"cannot push 'me/y' to the hub at .*: no answer within 0\.3 seconds; check"):
        upload("any", "me/y", **about)
    assert time.monotonic() - begin < 5


def test_no_network(shared: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{port}")
    begin = time.monotonic()
    assert "hf download me/x --local-dir x, then copy that folder here" in refused()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(
        T2WError, match=r"generator runs/demo is not here and .* hub cannot be used \(HF_HUB_OFFLINE is set\)"
    ):
        TextToWeights.from_pretrained("runs/demo")
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize("pickle", ["pytorch_model.bin", "model.pt", "weights.pkl", "last.ckpt"])
def test_of_a_pickle_nothing_is_fetched(pickle: str, hub: HubServer) -> None:
    hub.put("you/danger", {pickle: b"cos\nsystem\n", "config.json": b"{}"})
    said = refused("you/danger")
    assert f"has no safetensors weights on the hub, but a pickle ({pickle}), which could run any program" in said
    assert not hub.asked("/resolve/")
    with pytest.raises(T2WError, match=r"the encoder you/danger has no safetensors weights on the hub, but a pickle"):
        find_model("you/danger", what="encoder")
    assert not hub.asked("/resolve/")


def test_a_pickle_beside_the_weights_stays_there(shared: HubServer, tmp_path: Path) -> None:
    hostile = b'{"auto_map": {"AutoModel": "evil.Model"}, "format": "t2w-classifier", "classes": 7}'
    files = {"pytorch_model.bin": b"cos\nsystem\n", "evil.py": b"import os", "config.json": hostile}
    shared.repositories["models/me/x"].commit(files)
    assert Classifier.from_pretrained("me/x").classes == ("cat", "dog")
    find_model("me/x")  # as an encoder: with its JSON, which nobody runs
    fetched = {request.rsplit("/", 1)[1] for request in shared.asked("^GET /.*/resolve/")}
    assert fetched == {"model.safetensors", "config.json"}
    assert not list((tmp_path / "hub-cache").rglob("*.bin")) + list((tmp_path / "hub-cache").rglob("*.py"))


def test_paths_that_lead_out_of_the_cache(shared: HubServer, tmp_path: Path) -> None:
    shared.repositories["models/me/x"].commit({"../../../../out.json": b"{}", "config.json": b"{}"})
    with pytest.raises(T2WError, match="the Hugging Face hub cannot be used"):
        find_model("me/x")
    assert not list(tmp_path.rglob("out.json"))


def test_weights_of_another_kind(hub: HubServer) -> None:
    hub.put("you/resnet", {"model.safetensors": b"\x02\0\0\0\0\0\0\0{}", "config.json": b"{}"})
    assert "expected t2w-classifier" in refused("you/resnet")


def test_pushing_needs_a_name_a_token_and_a_right(shared: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = classifier_of(["cat", "dog"])
    for name, token, said in (
        ("digits", None, r"the name on the hub is 'digits'; expected user/name"),
        ("me/y", "hf_old", r"cannot push 'me/y' .*: it does not know the token \(401\); set HF_TOKEN to a valid one"),
        ("me/y", READ_ONLY, r"cannot push 'me/y' .*: the token does not give the right to that \(403\)"),
        ("you/y", None, r"cannot push 'you/y' .*: the token does not give the right to that \(403\)"),
    ):
        with pytest.raises(T2WError, match=said):
            mine.push_to_hub(name, token=token)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(T2WError, match=r"no token to push 'me/y' with; set HF_TOKEN"):
        mine.push_to_hub("me/y")
    assert "models/me/y" not in shared.repositories


def test_what_is_meant_to_be_private_is_not_pushed_where_all_see_it(shared: HubServer) -> None:
    before = dict(shared.repositories["models/me/x"].commits)
    with pytest.raises(T2WError, match=r"me/x is on the hub already, for everyone to see; expected a private one"):
        classifier_of(["cat", "bus"]).push_to_hub("me/x", private=True)
    assert shared.repositories["models/me/x"].commits == before


def test_the_environment_names_the_hub_and_the_token(tmp_path: Path) -> None:
    (tmp_path / "up").mkdir()
    classifier_of(["cat", "dog"]).save(tmp_path / "up" / "model.safetensors")
    code = (
        "from t2w.network import upload; from t2w.encoders.hub import find_model\n"
        f"print(upload({str(tmp_path / 'up')!r}, 'me/x', kind='model', token=None, private=True))\n"
        "print(find_model('me/x', needed=()).path)"
    )
    with serving() as hub:
        settings = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path / "home")}
        settings |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}
        done = subprocess.run(
            [sys.executable, "-c", code], env=os.environ | settings, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        address, path = done.stdout.split()
        assert address == f"{hub.endpoint}/me/x"
        assert path.startswith(str(tmp_path / "home"))
        assert hub.repositories["models/me/x"].private
