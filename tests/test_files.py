from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import torch

from t2w.errors import T2WError
from t2w.files import atomic_path, fingerprint, load_tensors, read_json, save_tensors, sha256_of, write_json


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})

    def fail_half_way() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert read_json(path) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_tensors_and_metadata_come_back(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"x": torch.arange(6).view(2, 3).T}, {"names": ["é", "b"], "n": 3})
    tensors, metadata = load_tensors(path)
    assert torch.equal(tensors["x"], torch.arange(6).view(2, 3).T)
    assert metadata == {"names": ["é", "b"], "n": 3}


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b"", lambda b: b"\xff" * len(b)])
def test_damaged_tensors_are_named(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"x": torch.zeros(10)})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(T2WError, match=r"x\.safetensors is damaged"):
        load_tensors(path)


def test_missing_and_truncated_json(tmp_path: Path) -> None:
    with pytest.raises(T2WError, match="cannot read"):
        read_json(tmp_path / "absent.json")
    (tmp_path / "cut.json").write_text('{"a": [1, 2')
    with pytest.raises(T2WError, match="not valid JSON"):
        read_json(tmp_path / "cut.json")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(T2WError, match="cannot write"):
        write_json(tmp_path / "file" / "x.json", {})


@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EACCES, "choose a folder that you may write to"),
        (errno.EROFS, "choose a folder that you may write to"),
        (errno.ENAMETOOLONG, "choose another folder"),
    ],
)
def test_what_to_do_depends_on_what_went_wrong(
    number: int, fix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(T2WError, match=f"{os.strerror(number)}; {fix}") as caught:
        write_json(tmp_path / "x.json", {})
    assert ("space" in str(caught.value)) == (number == errno.ENOSPC)


def test_an_unreadable_file_is_not_called_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(T2WError, match="Is a directory"):
        load_tensors(tmp_path)
    with pytest.raises(T2WError, match="No such file"):
        load_tensors(tmp_path / "absent.safetensors")
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"x": torch.zeros(2)})
    real = Path.open

    def refuse(self: Path, *arguments: object, **options: object) -> object:
        if self == path:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(self, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(T2WError, match="Permission denied"):
        load_tensors(path)


def test_fingerprint_sees_values_not_order() -> None:
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_of(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
