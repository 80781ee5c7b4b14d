from __future__ import annotations

from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import numpy as np
import pytest
from made_up_archives import jpeg, write_folder

from t2w.datasets import class_names_of, hub, load_dataset
from t2w.datasets.download import hub_source
from t2w.errors import T2WError

datasets = pytest.importorskip("datasets", reason="t2w[publish] is not installed")
NAMES = ["cat", "dog", "owl"]


@pytest.fixture(autouse=True)
def cache_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


def write_part(folder: Path, split: str, labels: list[int], *, base: int = 0, **columns: Any) -> Path:
    features = {"image": datasets.Image(), "label": datasets.ClassLabel(names=NAMES)} | columns
    rows: dict[str, Any] = {
        "image": [{"bytes": jpeg(base + 5 * i), "path": None} for i in range(len(labels))],
        "label": labels,
    }
    rows |= {name: labels for name in columns if name not in rows}
    folder.mkdir(parents=True, exist_ok=True)
    table = datasets.Dataset.from_dict(rows, features=datasets.Features(features))
    table.to_parquet(folder / f"{split}-00000-of-00001.parquet")
    return folder


def test_parquet_folder_with_splits(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    write_part(folder / "data", "train", [2, 0, 1, 0])
    write_part(folder / "data", "test", [1, 2], base=100)
    train, test = load_dataset("folder", path=folder)
    assert train.class_names == tuple(NAMES) == class_names_of("folder", folder)
    assert (train.labels.tolist(), test.labels.tolist()) == ([2, 0, 1, 0], [1, 2])
    assert [round(float(image.mean())) for image in train.images] == pytest.approx([0, 5, 10, 15], abs=1)
    assert [round(float(image.mean())) for image in test.images[[1, 0]]] == pytest.approx([105, 100], abs=1)
    assert train.fingerprint == load_dataset("folder", path=folder)[0].fingerprint != test.fingerprint
    assert train.source == "pets"  # no path of this machine


def test_parquet_folder_without_test_or_with_unlabelled_one(tmp_path: Path) -> None:
    folder = write_part(tmp_path / "pets", "train", [0, 1, 2] * 10)
    train, test = load_dataset("folder", path=folder, split_seed=1)
    assert np.bincount(train.labels).tolist() == [8, 8, 8]
    assert np.bincount(test.labels).tolist() == [2, 2, 2]
    assert not set(train.images.names) & set(test.images.names)
    for part in (train, test):
        for image, name, label in zip(part.images, part.images.names, part.labels, strict=True):
            row = int(name.rpartition("/")[2])
            assert label == row % 3
            assert round(float(image.mean())) == pytest.approx(5 * row, abs=2)
    other = load_dataset("folder", path=folder, split_seed=2)[1]
    assert other.fingerprint != test.fingerprint
    write_part(folder, "test", [-1, -1])
    write_part(folder, "validation", [0, 1])
    assert load_dataset("folder", path=folder)[1].provenance["split"] == "train and validation"


def test_columns(tmp_path: Path) -> None:
    coarse = datasets.ClassLabel(names=["a", "b", "c"])
    fine = write_part(tmp_path / "a", "train", [0, 1, 2] * 2, coarse_label=coarse)
    assert load_dataset("cifar100", path=fine)[0].class_names == tuple(NAMES)
    bare = write_part(tmp_path / "b", "train", [0, 1], label=datasets.Value("int64"))
    with pytest.raises(T2WError, match=r"has the columns image \(Image\), label \(Value\); expected .* ClassLabel"):
        load_dataset("folder", path=bare)
    with pytest.raises(T2WError, match="has the splits test; expected train"):
        load_dataset("folder", path=write_part(tmp_path / "c", "test", [0, 1]))
    broken = write_folder(tmp_path / "d", {"train-00000-of-00001.parquet": b"no parquet"})
    with pytest.raises(T2WError, match="is no dataset that can be read"):
        load_dataset("folder", path=broken)


def test_what_is_a_hub_path(tmp_path: Path) -> None:
    assert hub_source("hf://uoft-cs/cifar100") == "hf://uoft-cs/cifar100"
    assert hub_source(Path("hf://uoft-cs/cifar100")) == "hf:/uoft-cs/cifar100"  # pathlib takes a slash
    assert hub_source(None) is hub_source(tmp_path) is hub_source("cifar.tar.gz") is None
    with pytest.raises(T2WError, match=r"dataset path is 'hf://cifar100'; expected hf://owner/name"):
        load_dataset("cifar100", path="hf://cifar100")


def test_a_hub_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", lambda *_, **__: sleep(3))
    monkeypatch.setattr(hub, "ANSWER_SECONDS", 0.3)
    start = perf_counter()
    with pytest.raises(
        T2WError,
        match=r"hf://uoft-cs/cifar100 cannot be fetched from the Hugging Face hub \(no answer within 0\.3 seconds\); "
        r"where there is a network run: hf download --repo-type dataset uoft-cs/cifar100 --local-dir DIR, "
        r"then dataset\.path=DIR",
    ):
        load_dataset("cifar100", path="hf://uoft-cs/cifar100")
    assert perf_counter() - start < 2


def test_a_hub_that_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    start = perf_counter()
    with pytest.raises(T2WError, match="nobody/none cannot be fetched from the Hugging Face hub"):
        load_dataset("folder", path="hf://nobody/none")
    assert perf_counter() - start < 10
