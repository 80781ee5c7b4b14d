"""The Hugging Face hub in a folder: what `huggingface_hub` says of it, without a network."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest


class FakeHub:
    """Repositories by name, and what was asked for."""

    endpoint = "https://hub.invalid"

    def __init__(self, root: Path) -> None:
        self.root, self.token = root, ""
        self.private: dict[str, bool] = {}
        self.messages: list[str] = []
        self.revisions: list[str | None] = []

    def __call__(self, *, token: str | None = None, endpoint: str | None = None) -> FakeHub:
        """In the place of `HfApi(token=...)`."""
        self.token = token or ""
        return self

    def create_repo(self, *, repo_id: str, repo_type: str, private: bool, exist_ok: bool) -> None:
        if self.token != "secret":
            raise PermissionError("401 Client Error: Unauthorized\nInvalid token")
        assert exist_ok
        assert repo_type == "model"
        self.private.setdefault(repo_id, private)
        (self.root / repo_id).mkdir(parents=True, exist_ok=True)

    def upload_folder(self, *, repo_id: str, repo_type: str, folder_path: str, commit_message: str) -> None:
        shutil.copytree(folder_path, self.root / repo_id, dirs_exist_ok=True)
        self.messages.append(commit_message)

    def model_info(self, name: str, *, revision: str | None, timeout: float) -> SimpleNamespace:
        if not (self.root / name).is_dir():
            raise type("RepositoryNotFoundError", (Exception,), {})("404")
        return SimpleNamespace(siblings=[SimpleNamespace(rfilename=p.name) for p in (self.root / name).iterdir()])

    def snapshot_download(
        self, name: str, *, revision: str | None = None, local_files_only: bool = False, **_: Any
    ) -> str:
        if local_files_only:
            raise FileNotFoundError(name)
        self.revisions.append(revision)
        return str(self.root / name)


def install(root: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    """A hub that the library talks to, and a token for it."""
    fake = FakeHub(root)
    monkeypatch.setattr(huggingface_hub, "HfApi", fake)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fake.snapshot_download)
    monkeypatch.setenv("HF_TOKEN", "secret")
    return fake
