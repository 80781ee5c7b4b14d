from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from made_up_archives import caltech_files, jpeg, write_folder, write_tar

from t2w.datasets import class_list, class_names_of, load_dataset
from t2w.errors import T2WError


def test_caltech_archive_and_folder(tmp_path: Path) -> None:
    files = caltech_files(3)
    archive = write_tar(tmp_path / "256_ObjectCategories.tar", files)
    train, test = load_dataset("caltech256", path=archive)
    assert train.class_names == class_list("caltech256")[:256] == class_names_of("caltech256", archive)
    assert "clutter" not in train.class_names
    assert np.bincount(train.labels).tolist() == [2] * 256  # 056.dog/greg/ is not part of the dataset
    assert np.bincount(test.labels).tolist() == [1] * 256
    assert not set(train.images.names) & set(test.images.names)
    assert test.images[255].shape == (8, 8, 3)
    assert list(tmp_path.iterdir()) == [archive]  # nothing was unpacked

    folder = write_folder(tmp_path / "out", files)
    for path in (folder, folder / "256_ObjectCategories"):
        again = load_dataset("caltech256", path=path)
        assert [n.rpartition("/")[2] for n in again[1].images.names] == [
            n.rpartition("/")[2] for n in test.images.names
        ]
    assert load_dataset("caltech256", path=archive, split_seed=1)[1].fingerprint != test.fingerprint


def test_caltech_incomplete_or_hostile(tmp_path: Path) -> None:
    files = caltech_files(2)
    some = {name: content for name, content in files.items() if "/014.blimp/" not in name}
    with pytest.raises(T2WError, match=r"class folder '014\.blimp' is missing.*dataset=folder"):
        load_dataset("caltech256", path=write_tar(tmp_path / "a.tar", some))
    more = {**files, "256_ObjectCategories/300.owl/1.jpg": jpeg()}
    with pytest.raises(T2WError, match=r"class folder '300\.owl' is not one of Caltech-256"):
        load_dataset("caltech256", path=write_tar(tmp_path / "b.tar", more))
    link = tarfile.TarInfo("256_ObjectCategories/001.ak47/x.jpg")
    link.type, link.linkname = tarfile.LNKTYPE, "../../secret"
    with pytest.raises(T2WError, match=r"'256_ObjectCategories/001\.ak47/x\.jpg', a link or a device"):
        load_dataset("caltech256", path=write_tar(tmp_path / "c.tar", files, "w", link))
    for name in ("/etc/x.jpg", "a/../../x.jpg", "C:/x.jpg", "..\\x.jpg"):
        with pytest.raises(T2WError, match="a path that leads out of it"):
            load_dataset("caltech256", path=write_tar(tmp_path / "d.tar", {name: b""}))
    with pytest.raises(T2WError, match=r"is a compressed or damaged tar archive.*give the folder"):
        load_dataset("caltech256", path=write_tar(tmp_path / "e.tar", files, "w:gz"))
    whole = write_tar(tmp_path / "f.tar", files)
    cut = tmp_path / "g.tar"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(T2WError, match=r"g\.tar is cut short.*fetch it again"):
        load_dataset("caltech256", path=cut)


IMAGENET = {
    "n01440764": "tench, Tinca tinca",
    "n02012849": "crane",
    "n03126707": "crane",
}


def imagenet_files(top: str = "") -> dict[str, bytes]:
    counts = {"train": 3, "val": 2}
    return {
        f"{top}{split}/{wnid}/{wnid}_{i}.JPEG": jpeg(i)
        for split, count in counts.items()
        for wnid in IMAGENET
        for i in range(count)
    }


@pytest.mark.parametrize("file", ["LOC_synset_mapping.txt", "words.txt"])
@pytest.mark.parametrize("top", ["", "ILSVRC/Data/CLS-LOC/"])
def test_imagenet_folders(file: str, top: str, tmp_path: Path) -> None:
    separator = " " if file.startswith("LOC") else "\t"
    words = "".join(f"{wnid}{separator}{name}\n" for wnid, name in IMAGENET.items())
    files = {**imagenet_files(top), file: words.encode(), f"{top}test/ILSVRC2012_test_1.JPEG": jpeg()}
    path = write_folder(tmp_path, files) / top
    train, test = load_dataset("imagenet", path=path)
    assert train.class_names == ("tench", "crane (n02012849)", "crane (n03126707)") == class_names_of("imagenet", path)
    assert (len(train), len(test), test.labels.tolist()) == (9, 6, [0, 0, 1, 1, 2, 2])
    assert (train.split, test.split) == ("train", "test")


def test_imagenet_without_names(tmp_path: Path) -> None:
    assert load_dataset("imagenet", path=write_folder(tmp_path, imagenet_files()))[0].class_names == tuple(IMAGENET)


def test_imagenet_as_it_comes(tmp_path: Path) -> None:
    files = {name: content for name, content in imagenet_files().items() if name.startswith("train/")}
    flat = write_folder(tmp_path / "a", {**files, "val/ILSVRC2012_val_00000001.JPEG": jpeg()})
    with pytest.raises(
        T2WError, match=r"val holds images that are not sorted.*move every validation image into the folder"
    ):
        load_dataset("imagenet", path=flat)
    with pytest.raises(T2WError, match="has train/ and no folder to test on; expected val"):
        load_dataset("imagenet", path=write_folder(tmp_path / "b", files))
    odd = write_folder(tmp_path / "c", {**imagenet_files(), "train/cats/1.JPEG": jpeg(), "val/cats/1.JPEG": jpeg()})
    with pytest.raises(T2WError, match="class folder 'cats' is no WordNet number"):
        load_dataset("imagenet", path=odd)
    with pytest.raises(T2WError, match=r"files of imagenet are not here; get .* from https://image-net\.org"):
        load_dataset("imagenet", download=True)
