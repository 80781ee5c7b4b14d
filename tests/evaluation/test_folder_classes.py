from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from t2w.datasets import class_list
from t2w.errors import T2WError
from t2w.evaluation.class_folders import find_class_folders, match_class

CLASSES = ("pine_tree", "ice cream", "bonsai", "T-shirt", "tree")


def images(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(folder / name / "0.png")
    return folder


@pytest.mark.parametrize(
    ("folder", "found"),
    [
        ("pine_tree", "pine_tree"),
        ("Pine Tree", "pine_tree"),
        ("pine-tree", "pine_tree"),
        ("ICE_CREAM", "ice cream"),
        ("010.bonsai-101", "bonsai"),
        ("232.t-shirt", "T-shirt"),
        ("t shirt", "T-shirt"),
        ("tree", "tree"),
    ],
)
def test_spellings_of_a_name(folder: str, found: str) -> None:
    assert CLASSES[match_class(folder, CLASSES)] == found  # type: ignore[index]


def test_no_class_and_several() -> None:
    assert match_class("oak", CLASSES) is None
    assert match_class("7", CLASSES) is None
    with pytest.raises(T2WError, match="'sea lion' could mean 'sea-lion', 'Sea-Lion'"):
        match_class("sea lion", ("sea-lion", "Sea-Lion"))


@pytest.mark.parametrize("name", ["cifar100", "caltech256", "tiny_imagenet"])
def test_every_class_of_a_dataset_is_its_own_folder(name: str) -> None:
    names = class_list(name)
    for i, own in enumerate(names):
        assert match_class(own, names) == i
        assert match_class(f"{i + 1:03}.{own}", names) == i


def test_wordnet_numbers_are_read_from_the_lists_beside_them(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("n02123045\ttabby, tabby cat\nn07873807\tpizza, pizza pie\n")
    folder = images(tmp_path / "val", "n02123045", "n07873807")
    found = find_class_folders(folder, ("pizza", "tabby cat"))
    assert found.labels == (1, 0)
    (tmp_path / "words.txt").rename(tmp_path / "elsewhere")
    with pytest.raises(T2WError, match=r"put ImageNet's LOC_synset_mapping\.txt or words\.txt beside"):
        find_class_folders(folder, ("pizza", "tabby cat"))
    (tmp_path / "val" / "LOC_synset_mapping.txt").write_text("n02123045 tabby, tabby cat\nn07873807 pizza, pizza pie\n")
    assert find_class_folders(folder, ("pizza", "tabby")).labels == (1, 0)


def test_images_are_labelled_class_by_class(tmp_path: Path) -> None:
    folder = images(tmp_path, "tree", "bonsai", ".hidden")
    (folder / "tree" / "notes.txt").touch()
    found = find_class_folders(folder, CLASSES)
    assert [(file.parent.name, label) for file, label in zip(found.files, found.labels, strict=True)] == [
        ("bonsai", 2),
        ("tree", 4),
    ]


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    with pytest.raises(T2WError, match="there is no folder"):
        find_class_folders(tmp_path / "none", CLASSES)
    with pytest.raises(T2WError, match="there are no folders in"):
        find_class_folders(tmp_path, CLASSES)
    folder = images(tmp_path / "photos", "tree", "bonsei")
    with pytest.raises(T2WError, match=r"'bonsei' in .* means none of the classes \(did you mean 'bonsai'\?\)"):
        find_class_folders(folder, CLASSES)
    assert find_class_folders(folder, CLASSES, skip_unknown=True).skipped == ("bonsei",)
    (folder / "bonsei").rename(folder / "Tree")
    with pytest.raises(T2WError, match="'Tree' and 'tree' both mean class 'tree'"):
        find_class_folders(folder, CLASSES)
    (folder / "Tree" / "0.png").unlink()
    (folder / "Tree").rename(folder / "bonsai")
    with pytest.raises(T2WError, match="bonsai holds no images"):
        find_class_folders(folder, CLASSES)


def test_pictures_that_lie_in_no_class_folder(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "0.png")
    with pytest.raises(T2WError, match=r"1 images and no folders in .*put them into folders of their classes"):
        find_class_folders(tmp_path, CLASSES)


def test_the_folder_above_the_splits(tmp_path: Path) -> None:
    images(tmp_path / "train", "tree")
    images(tmp_path / "val", "tree")
    with pytest.raises(T2WError, match=f"such as {tmp_path / 'val'}"):
        find_class_folders(tmp_path, CLASSES)
    with pytest.raises(T2WError, match="mean none of the classes"):  # nothing would be left
        find_class_folders(tmp_path, CLASSES, skip_unknown=True)
