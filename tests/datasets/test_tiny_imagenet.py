from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from made_up_archives import WNIDS, tiny_imagenet_files, write_folder, write_zip

from t2w.datasets import LazyImages, class_list, class_names_of, load_dataset
from t2w.errors import T2WError


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write_zip(tmp_path / "tiny-imagenet-200.zip", tiny_imagenet_files())


def greys(images: LazyImages) -> list[int]:
    return [round(float(image.mean())) for image in images]


def test_official_archive(archive: Path) -> None:
    train, test = load_dataset("tiny_imagenet", path=archive)
    assert train.class_names == ("Egyptian cat", "goldfish", "lemon") == class_names_of("tiny_imagenet", archive)
    assert train.labels.tolist() == [0] * 11 + [1] * 11 + [2] * 11
    assert test.labels.tolist() == [2, 0, 2, 1]  # as val_annotations.txt has it
    assert isinstance(train.images, LazyImages)
    assert greys(train.images[:12]) == pytest.approx([0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 40], abs=1)  # 2 before 10
    assert greys(test.images) == pytest.approx([150, 160, 170, 180], abs=1)
    assert list(archive.parent.iterdir()) == [archive]  # nothing was unpacked


def test_folder(archive: Path, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "out", tiny_imagenet_files())
    zipped, unpacked = load_dataset("tiny_imagenet", path=archive), load_dataset("tiny_imagenet", path=folder)
    inner = load_dataset("tiny_imagenet", path=folder / "tiny-imagenet-200")
    for one, other, third in zip(zipped, unpacked, inner, strict=True):
        assert np.array_equal(one.labels, other.labels)
        assert np.array_equal(np.stack(list(one.images)), np.stack(list(other.images)))
        assert np.array_equal(np.stack(list(one.images)), np.stack(list(third.images)))


def test_fingerprint(archive: Path, tmp_path: Path) -> None:
    train, test = load_dataset("tiny_imagenet", path=archive)
    again = load_dataset("tiny_imagenet", path=archive)[0]
    assert train.fingerprint == again.fingerprint != test.fingerprint
    assert train.of_classes(["lemon"]).fingerprint != train.fingerprint
    files = tiny_imagenet_files()
    name = "tiny-imagenet-200/train/n07749582/images/n07749582_0.JPEG"
    files[name] = files[name][:-1] + b"\0"  # same size, another checksum
    assert load_dataset("tiny_imagenet", path=write_zip(tmp_path / "b.zip", files))[0].fingerprint != train.fingerprint


def test_many_threads_read_what_one_reads(archive: Path) -> None:
    images = load_dataset("tiny_imagenet", path=archive)[0].images
    rows = list(range(len(images))) * 20
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(images.__getitem__, rows))
    for row, image in zip(rows, found, strict=True):
        assert np.array_equal(image, images[row]) if row < 3 else image.shape == (8, 8, 3)
    assert [round(float(image.mean())) for image in found[:33]] == greys(images)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wnids.txt": None}, "has no wnids.txt; expected Tiny-ImageNet-200.*; name the official archive"),
        ({"words.txt": None}, "has no words.txt"),
        ({"words.txt": b"n02124075\tcat\n"}, "words.txt has no name for n01443537"),
        ({"val/val_annotations.txt": None}, "has no val/val_annotations.txt"),
        ({"val/images/val_2.JPEG": None}, "has no val/images/val_2.JPEG, which val_annotations.txt names"),
        ({"val/val_annotations.txt": b"val_0.JPEG\tn99999999\n"}, "names class 'n99999999'"),
        ({"val/val_annotations.txt": b"val_0.JPEG\n"}, "has the line 'val_0.JPEG'; expected a file and its class"),
        ({f"train/n01443537/images/n01443537_{i}.JPEG": None for i in range(11)}, "class 'goldfish' has no images"),
    ],
)
def test_incomplete(change: dict[str, bytes | None], message: str, tmp_path: Path) -> None:
    files: dict[str, bytes | None] = dict(tiny_imagenet_files())
    files.update({f"tiny-imagenet-200/{name}": content for name, content in change.items()})
    path = write_zip(tmp_path / "x.zip", {name: content for name, content in files.items() if content is not None})
    with pytest.raises(T2WError, match=message):
        load_dataset("tiny_imagenet", path=path)


def test_a_damaged_image_is_named(archive: Path, tmp_path: Path) -> None:
    files = tiny_imagenet_files()
    files["tiny-imagenet-200/val/images/val_1.JPEG"] = b"not a picture"
    test = load_dataset("tiny_imagenet", path=write_zip(tmp_path / "x.zip", files))[1]
    with pytest.raises(T2WError, match=r"x\.zip/tiny-imagenet-200/val/images/val_1\.JPEG is not an image"):
        test.images[1]
    content = bytearray(archive.read_bytes())
    begin = content.index(b"val_3.JPEG")
    content[begin + 40 : begin + 60] = bytes(20)
    (tmp_path / "bits.zip").write_bytes(content)
    test = load_dataset("tiny_imagenet", path=tmp_path / "bits.zip")[1]
    with pytest.raises(T2WError, match=r"val_3\.JPEG in .*bits\.zip cannot be read .*fetch the archive again"):
        test.images[3]


def test_a_damaged_archive(archive: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.zip"
    cut.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(T2WError, match=r"cut\.zip is .*; fetch it again"):
        load_dataset("tiny_imagenet", path=cut)


def test_real_archive() -> None:
    folder = Path(os.environ.get("T2W_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
    path = folder / "tiny-imagenet-200.zip"
    if not path.is_file():
        pytest.skip(f"{path} is absent (T2W_DATA can point to its folder)")
    train, test = load_dataset("tiny_imagenet", path=path)
    assert set(train.class_names) == set(class_list("tiny_imagenet"))
    assert train.class_names[0] == "Egyptian cat"  # wnids.txt, not the list, gives the order
    assert np.bincount(test.labels, minlength=200).tolist() == [50] * 200
    assert len(set(np.bincount(train.labels, minlength=200).tolist())) == 1
    for images in (train.images, test.images):
        assert {image.shape for image in images[:: len(images) // 20]} == {(64, 64, 3)}
    assert len(WNIDS) == 3
