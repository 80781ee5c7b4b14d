from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_up_archives import jpeg, write_folder, write_zip

from t2w.datasets import class_names_of, load_dataset
from t2w.errors import T2WError


def pets(per_class: int = 10, prefix: str = "") -> dict[str, bytes]:
    names = ("cat", "Zwergspitz 犬", "school bus")
    return {
        f"{prefix}{name}/img_{i}.jpg": jpeg(20 * row + i) for row, name in enumerate(names) for i in range(per_class)
    }


def names_of(images: object) -> list[str]:
    return list(images.names)  # type: ignore[attr-defined]


def test_one_stratified_split(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "pets", {**pets(), ".cache/x.jpg": b"", "notes.txt": b"", "cat/notes.txt": b""})
    train, test = load_dataset("folder", path=folder)
    assert train.class_names == ("Zwergspitz 犬", "cat", "school bus") == class_names_of("folder", folder)
    assert np.bincount(train.labels).tolist() == [8, 8, 8]
    assert np.bincount(test.labels).tolist() == [2, 2, 2]
    assert not set(names_of(train.images)) & set(names_of(test.images))
    assert len(names_of(train.images) + names_of(test.images)) == 30
    for part in (train, test):
        for name, label in zip(names_of(part.images), part.labels, strict=True):
            assert name.split("/")[0] == part.class_names[label]
    assert train.provenance["split"] == "stratified by class"
    assert (train.provenance["seed"], train.provenance["train_share"]) == (0, 0.8)
    assert test.images[0].shape == (8, 8, 3)


def test_the_seed_decides_and_is_enough(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "pets", pets())
    first, again, other = (load_dataset("folder", path=folder, split_seed=seed)[1] for seed in (3, 3, 4))
    assert names_of(first.images) == names_of(again.images) != names_of(other.images)
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert first.provenance["files"] == again.provenance["files"] != other.provenance["files"]
    more = write_folder(folder, {f"zebra/{i}.jpg": jpeg(i) for i in range(5)})  # another class leaves the others alone
    assert set(names_of(first.images)) < set(names_of(load_dataset("folder", path=more, split_seed=3)[1].images))


@pytest.mark.parametrize("test_folder", ["test", "val", "valid", "validation"])
def test_split_of_ones_own(test_folder: str, tmp_path: Path) -> None:
    files = {**pets(3, "train/"), **pets(2, f"{test_folder}/")}
    for path in (write_folder(tmp_path / "data", files), write_zip(tmp_path / "data.zip", files)):
        train, test = load_dataset("folder", path=path)
        assert (len(train), len(test)) == (9, 6)
        assert all(name.startswith(f"{test_folder}/") for name in names_of(test.images))
        assert train.class_names == test.class_names == class_names_of("folder", path)


def test_zip_with_a_wrapper_and_what_a_desktop_adds(tmp_path: Path) -> None:
    files = {**pets(5, "my pets/"), "__MACOSX/my pets/cat/._img_0.jpg": b"x", "my pets/.DS_Store": b"x"}
    train, test = load_dataset("folder", path=write_zip(tmp_path / "pets.zip", files))
    assert (len(train), len(test)) == (12, 3)
    assert train.class_names == ("Zwergspitz 犬", "cat", "school bus")
    assert round(float(train.images[0].mean())) in range(19, 26)


def test_lazy_images_index_as_arrays_do(tmp_path: Path) -> None:
    train, _ = load_dataset("folder", path=write_folder(tmp_path, pets()))
    images, n = train.images, len(train)
    whole = np.stack(list(images))
    assert np.array_equal(images[-1], whole[-1])
    assert np.array_equal(np.stack(list(images[3:9:2])), whole[3:9:2])
    index = np.array([5, 0, -1, 5])
    assert np.array_equal(np.stack(list(images[index])), whole[index])
    mask = train.labels == 1
    assert np.array_equal(np.stack(list(images[mask])), whole[mask])
    assert len(images[[]]) == len(images[np.array([], dtype=np.int64)]) == 0
    for wrong in (n, -n - 1):
        with pytest.raises(IndexError):
            images[wrong]
        with pytest.raises(IndexError):
            images[[wrong]]
    some = train.of_classes(["cat"])
    assert np.array_equal(np.stack(list(some.images)), whole[train.labels == 1])


def refused(path: Path, message: str, name: str = "folder") -> None:
    with pytest.raises(T2WError, match=message):
        load_dataset(name, path=path)


def test_bad_folders(tmp_path: Path) -> None:
    good = write_folder(tmp_path / "a", pets())
    (good / "dog").mkdir()
    refused(good, "class folder dog of .*a holds no image; remove it, or put images in")
    refused(
        write_folder(tmp_path / "b", {"cat/1.jpg": b"", "cat/2.jpg": b""}), "has 1 class folders; expected at least 2"
    )
    refused(write_folder(tmp_path / "c", {"1.jpg": jpeg(), "2.jpg": jpeg()}), "has 0 class folders")
    refused(
        write_folder(tmp_path / "d", {**pets(), "owl/1.jpg": jpeg()}),
        r"class 'owl' has 1 image\(s\); expected at least 2",
    )
    refused(tmp_path / "gone", r"there is no .*gone; expected the files of folder; dataset\.path=FOLDER")
    refused(
        write_folder(tmp_path / "e", pets(2, "train/")), "has train/ and no folder to test on; expected test or val"
    )
    two = {**pets(2, "train/"), **pets(2, "test/"), "test/owl/1.jpg": jpeg()}
    refused(write_folder(tmp_path / "f", two), "class 'owl' .* is in one of train and test only")
    flat = {**pets(2, "train/"), "val/1.jpg": jpeg()}
    refused(write_folder(tmp_path / "g", flat), "val holds images that are not sorted into class folders")
    with pytest.raises(T2WError, match=r"dataset 'folder' needs a path; dataset\.path=FOLDER"):
        load_dataset("folder")


def test_a_picture_that_goes_away(tmp_path: Path) -> None:
    train, _ = load_dataset("folder", path=write_folder(tmp_path, pets()))
    (tmp_path / names_of(train.images)[0]).unlink()
    with pytest.raises(T2WError, match="No such file"):
        train.images[0]
    with pytest.raises(T2WError, match="No such file"):
        _ = train.fingerprint
