"""The server beside the page: uploads, thumbnails, downloads, who may ask, and at which port."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from importlib import metadata
from importlib.metadata import PackageNotFoundError

import pytest
from fastapi.testclient import TestClient
from page_pictures import png

from t2w.errors import T2WError
from t2w.web import Engine, Sessions
from t2w.web.routes import make_app
from t2w.web.server import address_of, listen
from t2w.web.session import Session


@pytest.fixture
def client(sessions: Sessions) -> Iterator[TestClient]:
    with TestClient(make_app(sessions, host="127.0.0.1"), base_url="http://127.0.0.1:7860") as found:
        yield found


def test_upload_thumbnail_and_download(client: TestClient, session: Session, engine: Engine) -> None:
    base = f"/t2w/{session.token}"
    answer = client.post(f"{base}/pictures", params={"name": "a/ü.png"}, content=png((255, 0, 0), size=300))
    assert (answer.status_code, answer.json()) == (200, {"pictures": 1})
    small = client.get(f"{base}/thumbs/1")
    assert (small.status_code, small.headers["content-type"]) == (200, "image/webp")
    assert small.content[8:12] == b"WEBP"
    assert client.get(f"{base}/thumbs/2").status_code == 404
    assert client.get(f"{base}/files/classifier.t2w").status_code == 404
    engine.write(session)
    assert session.classifier is not None
    session.classifier.save(session.folder / "files" / "classifier.t2w")
    answer = client.get(f"{base}/files/classifier.t2w")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="classifier.t2w"'
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    for name in ("%2e%2e%2fpictures", "other", "classifier.t2w.x"):
        assert client.get(f"{base}/files/{name}").status_code == 404


def test_uploads_are_refused_in_a_sentence_and_the_server_lives_on(client: TestClient, session: Session) -> None:
    address = f"/t2w/{session.token}/pictures"
    answer = client.post(address, params={"name": "x.png"}, content=bytes(5_000_000))
    assert answer.status_code == 422
    assert "expected at most 20,000 bytes" in answer.json()["error"]
    answer = client.post("/t2w/other/pictures", params={"name": "x.png"}, content=b"x")
    assert answer.json()["error"] == "this page's work has ended; reload the page"
    assert (session.kept_bytes, list((session.folder / "pictures").iterdir())) == (0, [])
    assert client.post(address, params={"name": "x.png"}, content=png((1, 2, 3))).status_code == 200


def test_a_picture_that_is_none_has_no_thumbnail(client: TestClient, session: Session, send: Callable) -> None:
    send(session, "x.png", b"<svg onload=alert(1)>")
    assert client.get(f"/t2w/{session.token}/thumbs/1").status_code == 404


def test_gradios_own_uploads_are_closed_and_its_events_bounded(client: TestClient) -> None:
    assert client.post("/gradio_api/upload", files={"files": b"x"}).status_code == 403
    assert client.post("/gradio_api/queue/join", content=bytes(4_000_001)).status_code == 413
    assert client.post("/login", content=bytes(4_000_001)).status_code == 413
    assert client.post("/gradio_api/queue/join", content=iter([b"{}"])).status_code == 413  # of unknown length


def test_no_other_name_on_loopback(client: TestClient, sessions: Sessions) -> None:
    assert client.get("/t2w/x/thumbs/1", headers={"host": "evil.example:7860"}).status_code == 400
    assert client.get("/t2w/x/thumbs/1", headers={"host": "localhost:7860"}).status_code == 404
    with TestClient(make_app(sessions, host="0.0.0.0"), base_url="http://machine.example") as elsewhere:
        assert elsewhere.get("/t2w/x/thumbs/1").status_code == 404


def test_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(T2WError, match=f"port {port} is in use.*leave --port out to have a free one chosen"):
            listen("127.0.0.1", port)
        monkeypatch.setattr("t2w.web.server.PORT", port)
        with listen("127.0.0.1", None) as found:
            assert found.getsockname()[1] > port
            assert address_of(found) == f"http://127.0.0.1:{found.getsockname()[1]}"
    with pytest.raises(T2WError, match=r"cannot listen at no\.such\.host\.invalid"):
        listen("no.such.host.invalid", 7860)


def test_the_verb_says_what_is_wrong_before_it_loads_anything(t2w: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", not_installed)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        found = t2w("web", "--port", str(taken.getsockname()[1]))
    assert found.code == 2
    assert "is in use" in found.err
    assert t2w("web", "--generator", "embedded", "--classifier", "x.t2w").code == 2
    assert 'pip install "t2w[web]"' in t2w("web", "--classifier", "missing.t2w").err
    monkeypatch.setattr(metadata, "version", lambda name: "6")
    assert "missing.t2w" in t2w("web", "--classifier", "missing.t2w").err
