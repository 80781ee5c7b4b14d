from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import perf_counter, sleep

import pytest

from t2w import network
from t2w.datasets import download, load_dataset
from t2w.datasets.download import ARCHIVES, Archive, fetch, located
from t2w.errors import T2WError

CONTENT = b"an archive" * 100_000
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"


class _Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/silent":
            sleep(2)
            return
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path == "/nonsense":
            self.wfile.write(b"hello\r\n\r\n")
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: len(CONTENT) // (2 if self.path == "/broken" else 1)])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_fetch_checks_and_writes_whole(address: str, tmp_path: Path) -> None:
    path = fetch(Archive("a.zip", f"{address}/good", MD5), tmp_path / "deep" / "a.zip")
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]
    sha256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    assert fetch(Archive("a.zip", f"{address}/good", sha256), path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("/good", r"gave a file with MD5 \w{32}; expected 0{32}; try again, or get it elsewhere; nothing was kept"),
        ("/broken", r"gave a file with MD5|cannot be fetched"),
        ("/missing", r"cannot be fetched \(Not Found\); get a\.zip on another machine and name it: dataset\.path=PATH"),
        ("/nonsense", r"cannot be fetched"),
    ],
)
def test_what_goes_wrong_leaves_nothing(place: str, message: str, address: str, tmp_path: Path) -> None:
    with pytest.raises(T2WError, match=message):
        fetch(Archive("a.zip", address + place, f"md5:{'0' * 32}"), tmp_path / "a.zip")
    assert not list(tmp_path.iterdir())


def test_no_server_and_a_silent_one(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(T2WError, match="cannot be fetched"):
        fetch(Archive("a.zip", "http://127.0.0.1:9/a.zip", MD5), tmp_path / "a.zip")
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.3)
    start = perf_counter()
    with pytest.raises(T2WError, match=r"cannot be fetched \(no answer within 0\.3 seconds\)"):
        fetch(Archive("a.zip", f"{address}/silent", MD5), tmp_path / "a.zip")
    assert perf_counter() - start < 1.5


def test_within() -> None:
    assert network.within(1.0, lambda: 7) == 7
    with pytest.raises(KeyError):
        network.within(1.0, lambda: {}["x"])


def test_where_a_dataset_is(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_FOLDER", tmp_path)
    monkeypatch.setitem(ARCHIVES, "cifar100", Archive("c.tar.gz", f"{address}/good", MD5))
    with pytest.raises(
        T2WError,
        match=r"the files of cifar100 are not here; get c\.tar\.gz from http.* and name it, dataset\.path=PATH, "
        r"or set dataset\.download=true",
    ):
        located("cifar100", None, download=False)
    assert not list(tmp_path.iterdir())  # nothing is fetched unasked
    path = located("cifar100", None, download=True)
    assert path == tmp_path / "c.tar.gz"
    assert located("cifar100", None, download=False) == path
    with pytest.raises(T2WError, match=r"there is no elsewhere\.tar; expected the files of cifar100; get c\.tar\.gz"):
        load_dataset("cifar100", path="elsewhere.tar")


def test_the_official_archives() -> None:
    for name, archive in ARCHIVES.items():
        assert archive.url.startswith("http"), name
    assert ARCHIVES["cifar100"].checksum == "md5:eb9058c3a382ffc7106e4002c42a8d85"
    assert ARCHIVES["caltech256"].checksum == "md5:67b4f42ca05d46448c6bb8ecd2220f6d"
    for name in ("tiny_imagenet", "imagenet"):
        assert ARCHIVES[name].checksum is None  # ImageNet's terms are for the person to accept
