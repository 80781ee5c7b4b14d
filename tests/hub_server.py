"""A small Hugging Face hub on loopback, which the real client talks to over HTTP: repositories, revisions, faults.

Xet, the hub's newer way to move large files, is switched off in the client: files go as git and LFS have them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

__all__ = ["READ_ONLY", "TOKEN", "HubServer", "Repository", "connect", "serving"]

TOKEN = "hf_secret"  # of the owner, who may write to owner/... and read what is private there
READ_ONLY = "hf_reader"  # of a user who may write nothing
_LARGE = (".safetensors", ".parquet", ".bin", ".pt", ".pkl", ".ckpt")
_REPOSITORY = r"/(?P<name>[^/]+/[^/]+)"


@dataclass
class Repository:
    """Files by commit, commits by branch or tag."""

    private: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def commit(self, changes: dict[str, bytes], message: str = "", branch: str = "main") -> str:
        """Add files on top of a branch, and return the commit."""
        files = {**self.files(branch), **changes}
        commit = hashlib.sha1(f"{len(self.commits)} {message} {sorted(files)}".encode()).hexdigest()
        self.commits[commit], self.refs[branch] = files, commit
        self.messages.append(message)
        return commit

    def resolve(self, revision: str) -> str | None:
        return revision if revision in self.commits else self.refs.get(revision)

    def files(self, revision: str = "main") -> dict[str, bytes]:
        return self.commits.get(self.resolve(revision) or "", {})


@dataclass
class Fault:
    """What happens to the requests whose "METHOD /path" matches: an answer, silence, or a broken connection."""

    pattern: str
    times: int = 1_000_000
    status: int | None = None  # an error of this number
    cut_after: int | None = None  # bytes of the file, then the connection is gone
    silent: bool = False


class HubServer(ThreadingHTTPServer):
    """The hub. `requests` holds "METHOD /path" of all that was asked, `ranges` the Range headers of downloads."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"
        self.owner = "me"  # whose token TOKEN is
        self.repositories: dict[str, Repository] = {}  # "models/me/x"
        self.objects: dict[str, bytes] = {}  # large files by SHA-256
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.ranges: list[str] = []
        self.closing = Event()

    def put(self, name: str, files: dict[str, bytes], *, private: bool = False, kind: str = "models") -> Repository:
        """A repository with one commit, as if somebody had pushed it."""
        repository = self.repositories.setdefault(f"{kind}/{name}", Repository(private))
        repository.commit(files)
        return repository

    def fails(self, pattern: str, **how: Any) -> None:
        self.faults.append(Fault(pattern, **how))

    def asked(self, pattern: str) -> list[str]:
        return [request for request in self.requests if re.search(pattern, request)]

    def fault(self, request: str) -> Fault | None:
        for fault in self.faults:
            if fault.times and re.search(fault.pattern, request):
                fault.times -= 1
                return fault
        return None


class _Refused(Exception):
    def __init__(self, status: int, code: str = "", message: str = "", body: Any = None) -> None:
        self.status, self.code, self.message, self.body = status, code, message, body


class _Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None: ...

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:  # the client went away
            self.close_connection = True

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_GET

    def _answer(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.cut_after = None
        path = urlsplit(self.path).path
        self.server.requests.append(f"{self.command} {unquote(path)}")
        if (fault := self.server.fault(self.server.requests[-1])) is not None:
            if fault.silent:
                self.server.closing.wait(20)
                self.close_connection = True
                return
            if fault.status is not None:
                self._send(fault.status, b"", {"X-Error-Message": f"made to answer {fault.status}"})
                return
            self.cut_after = fault.cut_after
        try:
            self._route(path)
        except _Refused as refused:
            headers = {"X-Error-Code": refused.code, "X-Error-Message": refused.message}
            body = b"" if refused.body is None else json.dumps(refused.body).encode()
            self._send(refused.status, body, {name: value for name, value in headers.items() if value})

    def _route(self, path: str) -> None:
        self._check_token()
        routes = (
            (r"/api/repos/create", self._create),
            (r"/api/validate-yaml", lambda: self._json({"errors": [], "warnings": []})),
            (rf"/api/(?P<kind>models|datasets){_REPOSITORY}(?:/revision/(?P<revision>[^/]+))?", self._info),
            (rf"/api/(?P<kind>models|datasets){_REPOSITORY}/discussions", lambda **_: self._json(_NO_DISCUSSIONS)),
            (rf"/api/(?P<kind>models|datasets){_REPOSITORY}/tree/(?P<revision>[^/]+)", self._tree),
            (rf"/api/(?P<kind>models|datasets){_REPOSITORY}/(?:tag|branch)/(?P<revision>[^/]+)", self._new_ref),
            (rf"/api/(?P<kind>models|datasets){_REPOSITORY}/preupload/(?P<revision>[^/]+)", self._preupload),
            (rf"/api/(?P<kind>models|datasets){_REPOSITORY}/commit/(?P<revision>[^/]+)", self._commit),
            (rf"(?:/(?P<kind>datasets))?{_REPOSITORY}\.git/info/lfs/objects/batch", self._batch),
            (r"/objects/(?P<digest>\w+)", self._put_object),
            (rf"(?:/(?P<kind>datasets))?{_REPOSITORY}/resolve/(?P<revision>[^/]+)/(?P<file>.+)", self._download),
        )
        for pattern, act in routes:
            if found := re.fullmatch(pattern, path):
                act(**{key: value if value is None else unquote(value) for key, value in found.groupdict().items()})
                return
        raise _Refused(404)

    def _check_token(self) -> None:
        sent = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if sent not in ("", TOKEN, READ_ONLY):
            raise _Refused(401, message="Invalid credentials in Authorization header")
        self.writer = sent == TOKEN
        writes = self.command in ("POST", "PUT") and not self.path.startswith("/objects/")
        if writes and not self.writer:
            raise _Refused(403 if sent else 401, message="You have no write access")

    def _repository(self, kind: str | None, name: str) -> Repository:
        found = self.server.repositories.get(f"{kind or 'models'}/{name}")
        if found is None or (found.private and not self.writer):
            raise _Refused(404 if self.writer else 401, "RepoNotFound", "Repository not found")
        return found

    def _at(self, repository: Repository, revision: str | None) -> str:
        if (commit := repository.resolve(revision or "main")) is None:
            raise _Refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return commit

    def _create(self) -> None:
        asked = json.loads(self.body)
        if asked["organization"] != self.server.owner:
            raise _Refused(403, message="You don't have the rights to create a model under this namespace")
        name = f"{asked['organization']}/{asked['name']}"
        key = f"{asked.get('type', 'model')}s/{name}"
        if key in self.server.repositories:
            raise _Refused(
                409, body={"error": "You already created this repository", "url": f"{self.server.endpoint}/{name}"}
            )
        private = asked.get("private", False) or asked.get("visibility") == "private"
        self.server.repositories[key] = Repository(private)
        self.server.repositories[key].commit({".gitattributes": b""}, "initial commit")
        self._json({"url": f"{self.server.endpoint}/{name}"})

    def _info(self, kind: str, name: str, revision: str | None) -> None:
        repository = self._repository(kind, name)
        commit = self._at(repository, revision)
        siblings = [{"rfilename": file} for file in repository.commits[commit]]
        self._json({"id": name, "sha": commit, "private": repository.private, "siblings": siblings, "tags": []})

    def _tree(self, kind: str, name: str, revision: str) -> None:
        repository = self._repository(kind, name)
        files = repository.commits[self._at(repository, revision)]
        self._json([_entry(path, data) for path, data in files.items()])

    def _new_ref(self, kind: str, name: str, revision: str) -> None:
        repository = self._repository(kind, name)
        if self.path.split("/")[-2] == "tag":  # named in the body, of the revision in the path
            repository.refs[json.loads(self.body)["tag"]] = self._at(repository, revision)
        else:
            repository.refs[revision] = self._at(repository, json.loads(self.body or b"{}").get("startingPoint"))
        self._json({})

    def _preupload(self, kind: str, name: str, revision: str) -> None:
        there = self._repository(kind, name).files(revision)
        files = []
        for file in json.loads(self.body)["files"]:
            path = file["path"]
            large = path.endswith(_LARGE)
            oid = _entry(path, there[path])["lfs" if large else "oid"] if path in there else None
            oid = oid["oid"] if isinstance(oid, dict) else oid
            files.append({"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False, "oid": oid})
        self._json({"files": files})

    def _commit(self, kind: str, name: str, revision: str) -> None:
        repository, changes, message = self._repository(kind, name), {}, ""
        for line in self.body.splitlines():
            key, value = (item := json.loads(line))["key"], item["value"]
            if key == "header":
                message = value["summary"]
            elif key == "file":
                changes[value["path"]] = base64.b64decode(value["content"])
            elif value["oid"] in self.server.objects:
                changes[value["path"]] = self.server.objects[value["oid"]]
            else:
                raise _Refused(400, message=f"no content of {value['path']}")
        commit = repository.commit(changes, message, revision)
        self._json({"commitUrl": f"{self.server.endpoint}/{name}/commit/{commit}", "commitOid": commit})

    def _batch(self, kind: str | None, name: str) -> None:
        self._repository(kind, name)
        answers = []
        for one in json.loads(self.body)["objects"]:
            upload = {"upload": {"href": f"{self.server.endpoint}/objects/{one['oid']}"}}
            answers.append(one if one["oid"] in self.server.objects else {**one, "actions": upload})
        self._json({"transfer": "basic", "objects": answers})

    def _put_object(self, digest: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != digest:
            raise _Refused(400, message="not what was announced")
        self.server.objects[digest] = self.body
        self._send(200, b"")

    def _download(self, kind: str | None, name: str, revision: str, file: str) -> None:
        repository = self._repository(kind, name)
        commit = self._at(repository, revision)
        if (data := repository.commits[commit].get(file)) is None:
            raise _Refused(404, "EntryNotFound")
        entry = _entry(file, data)
        headers = {"X-Repo-Commit": commit, "ETag": f'"{entry["lfs"]["oid"] if "lfs" in entry else entry["oid"]}"'}
        headers["Accept-Ranges"] = "bytes"
        if asked := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            self.server.ranges.append(asked[0])
            first = int(asked[1])
            headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
            self._send(206, data[first:], headers)
        else:
            self._send(200, data, headers)

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(data[: self.cut_after])
        if self.cut_after is not None:
            self.close_connection = True


_NO_DISCUSSIONS = {"discussions": [], "count": 0, "start": 0, "numClosedDiscussions": 0}


def _entry(path: str, data: bytes) -> dict[str, Any]:
    """A file of a tree: its git id, and where it is large its SHA-256."""
    git = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(data), "oid": git}
    if path.endswith(_LARGE):
        entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return entry


@contextmanager
def serving() -> Iterator[HubServer]:
    """A hub that answers, until the end of the block."""
    server = HubServer()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def connect(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub that the client of this process talks to, with an empty cache and a token."""
    from huggingface_hub import constants

    with serving() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.endpoint)  # read from HF_ENDPOINT when it is imported
        template = f"{server.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
        monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield server
