"""Models from the hub: cache first, seconds and one sentence where there is no network, safetensors only."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from t2w.encoders import hub, load_vision_encoder, vision_encoder_from_dict
from t2w.errors import T2WError

Models = Callable[[str], Path]
COMMIT = "0123456789abcdef0123456789abcdef01234567"

library = pytest.importorskip("huggingface_hub")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a library that may use the network."""
    monkeypatch.setattr(library.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(library.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "ANSWER_SECONDS", 0.3)
    return tmp_path / "hub"


def _put(cache: Path, name: str, folder: Path, *, ref: str = "main", commit: str = COMMIT) -> Path:
    """As the library's own cache looks after a download."""
    root = cache / f"models--{name.replace('/', '--')}"
    (root / "refs" / ref).parent.mkdir(parents=True, exist_ok=True)
    (root / "refs" / ref).write_text(commit)
    return shutil.copytree(folder, root / "snapshots" / commit)


@pytest.mark.usefixtures("no_network")
def test_the_cache_comes_before_the_network(cache: Path, models: Models) -> None:
    pytest.importorskip("transformers")
    _put(cache, "microsoft/resnet-18", models("resnet"))
    encoder = load_vision_encoder("resnet18")
    values = encoder.to_dict()
    assert (values["name"], values["revision"]) == ("microsoft/resnet-18", COMMIT)
    assert encoder.identity == load_vision_encoder(models("resnet")).identity
    assert vision_encoder_from_dict(values).to_dict() == values
    # A folder in the cache knows its commit.
    path = cache / "models--microsoft--resnet-18" / "snapshots" / COMMIT
    assert load_vision_encoder(path).to_dict()["revision"] == COMMIT


@pytest.mark.usefixtures("no_network")
def test_a_conversion_in_the_cache(cache: Path, models: Models) -> None:
    main = _put(cache, "a/b", models("resnet"))
    (main / "model.safetensors").rename(main / "pytorch_model.bin")
    converted = "f" * 40
    _put(cache, "a/b", models("resnet"), ref="refs/pr/7", commit=converted)
    assert load_vision_encoder("a/b").to_dict()["revision"] == converted


def test_a_silent_hub_is_not_waited_for(cache: Path, silent_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library.constants, "ENDPOINT", silent_server)
    started = time.monotonic()
    with pytest.raises(T2WError, match=r"the model a/b is not here and the Hugging Face hub cannot be used") as caught:
        hub.find_model("a/b")
    assert time.monotonic() - started < 5
    assert "hf download a/b --local-dir b, then copy that folder here" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_that_does_not_resolve_is_not_waited_for(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = Event()
    # Name resolution blocks below every time limit of the client library; the wait stands for it.
    monkeypatch.setattr(library.HfApi, "model_info", lambda *args, **kwargs: release.wait(30))
    started = time.monotonic()
    try:
        with pytest.raises(T2WError, match=r"no answer within 0\.3 s"):
            hub.find_model("a/b")
        assert time.monotonic() - started < 5
    finally:
        release.set()


def test_an_unreachable_hub_is_one_sentence(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(library.constants, "ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setattr(hub, "ANSWER_SECONDS", 3.0)
    with pytest.raises(T2WError, match="hub cannot be used") as caught:
        hub.find_model("a/b")
    assert "\n" not in str(caught.value)


def test_an_encoder_that_is_not_here_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library.constants, "HF_HUB_OFFLINE", True)
    stored = {"kind": "huggingface", "name": "microsoft/resnet-18", "revision": COMMIT, "identity": "resnet@12"}
    with pytest.raises(T2WError, match=r"microsoft/resnet-18 \(resnet@12\) is missing: .* hf download microsoft/resn"):
        vision_encoder_from_dict(stored)


class _Hub:
    """Answers as HfApi does, for a repository with these files and pull requests."""

    files: tuple[str, ...] = ()
    requests: tuple[SimpleNamespace, ...] = ()

    def __init__(self, **_: object) -> None: ...

    def model_info(self, *_: object, **__: object) -> SimpleNamespace:
        return SimpleNamespace(siblings=[SimpleNamespace(rfilename=name) for name in self.files])

    def get_repo_discussions(self, *_: object, **__: object) -> Iterator[SimpleNamespace]:
        return iter(self.requests)


@pytest.mark.parametrize(
    ("files", "author", "asked"),
    [
        (("pytorch_model.bin",), "SFconvertbot", "refs/pr/4"),
        (("pytorch_model.bin",), "somebody", "refused"),
        (("pytorch_model.bin", "model.safetensors"), "SFconvertbot", None),
    ],
)
def test_pickled_weights_are_taken_as_the_hub_converted_them(
    files: tuple[str, ...], author: str, asked: str | None, cache: Path, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = SimpleNamespace(num=4, author=author, title="Adding `safetensors` variant of this model")
    fake = type("Fake", (_Hub,), {"files": files, "requests": (request,)})
    calls: list[Any] = []

    def download(name: str, *, revision: str | None, local_files_only: bool = False, **_: object) -> str:
        if local_files_only:
            raise FileNotFoundError(name)
        calls.append(revision)
        return str(models("resnet"))

    monkeypatch.setattr(library, "HfApi", fake)
    monkeypatch.setattr(library, "snapshot_download", download)
    if asked == "refused":
        with pytest.raises(T2WError, match=r"has no safetensors weights on the hub, but a pickle"):
            hub.find_model("a/b")
        assert calls == []
    else:
        assert hub.find_model("a/b").path == models("resnet")
        assert calls == [asked]


@pytest.mark.parametrize("kind", ["RepositoryNotFoundError", "RevisionNotFoundError"])
def test_what_the_hub_does_not_have(kind: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise type(kind, (Exception,), {})("404\nand more")

    monkeypatch.setattr(library.HfApi, "model_info", refuse)
    with pytest.raises(T2WError, match=r"a/b is not on the Hugging Face hub, or not open to you; check the name"):
        hub.find_model("a/b", revision="v9")


@pytest.mark.parametrize("name", ["a b/c", "/a/b", "./b", "a/b/c", "../x"])
def test_what_is_no_name(name: str, cache: Path) -> None:
    with pytest.raises(T2WError, match=r"there is no model folder .*; expected a folder, or organisation/model"):
        hub.find_model(name)
