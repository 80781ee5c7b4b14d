from __future__ import annotations

import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from made_up_archives import cifar_files, python2_pickle, write_folder, write_tar

from t2w.datasets import archives as archives_module
from t2w.datasets import class_list, class_names_of, load_dataset
from t2w.errors import T2WError


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write_tar(tmp_path / "cifar-100-python.tar.gz", cifar_files(), "w:gz")


def test_official_archive(archive: Path, tmp_path: Path) -> None:
    train, test = load_dataset("cifar100", path=archive)
    assert train.class_names == class_list("cifar100") == class_names_of("cifar100", archive)
    assert (train.images.shape, train.images.dtype, len(test)) == ((6, 32, 32, 3), np.uint8, 4)
    assert train.labels.tolist() == [10, 17, 24, 31, 38, 45]  # fine, not coarse
    assert train.images[2, 0, 1].tolist() == [12, 0, 0]
    assert test.images[3, 31, 0].tolist() == [0, 0, 200]
    assert (train.split, test.split) == ("train", "test")

    for folder in (write_folder(tmp_path / "out", cifar_files()), tmp_path / "out" / "cifar-100-python"):
        again = load_dataset("cifar100", path=folder)
        assert again[0].fingerprint == train.fingerprint
        assert again[1].fingerprint == test.fingerprint != train.fingerprint


def test_pickles_of_python_3_are_read_too(tmp_path: Path) -> None:
    value = {b"fine_label_names": [name.encode() for name in class_list("cifar100")]}
    data = {b"data": np.zeros((1, 3072), dtype=np.uint8), b"fine_labels": [3]}
    files = {"meta": pickle.dumps(value), "train": pickle.dumps(data), "test": pickle.dumps(data, protocol=3)}
    assert load_dataset("cifar100", path=write_folder(tmp_path, files))[1].labels.tolist() == [3]


def replaced(tmp_path: Path, name: str, content: bytes) -> Path:
    return write_folder(tmp_path / "bad", {**cifar_files(), f"cifar-100-python/{name}": content})


@pytest.mark.parametrize(
    "call", [b"cos\nsystem\n(S'touch was_run'\ntR.", b"cbuiltins\neval\n(S'1'\ntR.", b"cnumpy\nload\n."]
)
def test_a_pickle_that_calls_something_is_refused_before_it_does(
    call: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(T2WError, match=r"train: a pickle asks for \w+\.\w+; expected arrays and lists alone"):
        load_dataset("cifar100", path=replaced(tmp_path, "train", b"\x80\x02" + call))
    assert not (tmp_path / "was_run").exists()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("meta", {b"fine_label_names": [b"airplane", b"car"]}, "has classes airplane, car, ...; expected apple"),
        ("meta", {b"label_names": []}, "has no fine_label_names"),
        ("meta", [], "holds a list"),
        ("train", {b"data": [], b"fine_labels": []}, r"holds data \(0,\) float64; expected \(N, 3072\) uint8"),
        ("train", {b"data": np.zeros((2, 3072), np.uint8), b"fine_labels": [100, 0]}, "labels .* run from 0 to 100"),
        ("train", {b"data": np.zeros((2, 3072), np.uint8), b"fine_labels": [1]}, "for 2 images"),
        ("train", {b"data": np.zeros((1, 3072), np.uint8), b"fine_labels": [b"cat"]}, "labels of type"),
        ("train", {b"data": np.zeros((1, 3072), np.uint8)}, "has no fine_labels"),
    ],
)
def test_not_cifar100(name: str, value: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(T2WError, match=message):
        load_dataset("cifar100", path=replaced(tmp_path, name, python2_pickle(value)))


def test_damaged(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(T2WError, match="train is damaged"):
        load_dataset("cifar100", path=replaced(tmp_path, "train", cifar_files()["cifar-100-python/train"][:500]))
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(T2WError, match="is not a whole tar archive"):
        load_dataset("cifar100", path=cut)
    cut.write_bytes(b"hello")
    with pytest.raises(T2WError, match="is not a whole tar archive"):
        load_dataset("cifar100", path=cut)
    with pytest.raises(T2WError, match="has no meta; expected meta, train and test"):
        load_dataset("cifar100", path=write_tar(tmp_path / "other.tar.gz", {"x": b"1"}, "w:gz"))


def test_hostile_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = tarfile.TarInfo("cifar-100-python/link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(T2WError, match="'cifar-100-python/link', a link or a device"):
        load_dataset("cifar100", path=write_tar(tmp_path / "a.tar.gz", cifar_files(), "w:gz", link))
    with pytest.raises(T2WError, match=r"'\.\./train', a path that leads out of it"):
        load_dataset("cifar100", path=write_tar(tmp_path / "b.tar.gz", {"../train": b""}, "w:gz"))
    monkeypatch.setattr(archives_module, "_LARGEST_TAR", 10_000_000)
    bomb = write_tar(tmp_path / "c.tar.gz", {"zeros": b"\0" * 20_000_000, **cifar_files()}, "w:gz")
    assert bomb.stat().st_size < 100_000
    with pytest.raises(T2WError, match="unpacks to 20,000,000 bytes; expected at most 10,000,000"):
        load_dataset("cifar100", path=bomb)
