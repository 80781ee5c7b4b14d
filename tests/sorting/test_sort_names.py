"""Class names as folder names, on every file system."""

from __future__ import annotations

import unicodedata

import pytest

from t2w.sorting import SortFolders, folder_names
from t2w.sorting.names import folded, free_name

ODD = (
    "tabby", "a/b", "a\\b", "..", ".", "...", ".hidden", "CON", "nul.txt", "Com1", "com¹", "end. ", " front", "Tabby",
    "TABBY", 'x<y>:"|?*', "line\nbreak", "\u202egpj.exe", "café", "cafe\u0301", "猫", "unsure", "None of These",
    "index.html", "results.csv", "t2w-sort.jsonl", "long " * 100, "long " * 99 + "other", "ﬁne", "~", "$HOME", "-rf",
    "tabby (2)",
)  # fmt: skip


def test_every_name_becomes_a_safe_one_of_its_own() -> None:
    names = SortFolders.for_classes(ODD).names
    assert len(names) == len(ODD) + 2
    assert len({folded(name) for name in names}) == len(names)
    for name in names:
        assert name
        assert name not in (".", "..")
        assert not set(name) & set('<>:"/\\|?*')
        assert name == name.strip(" ").rstrip(".")
        assert not name.startswith(".")
        assert name.isprintable()
        assert name.partition(".")[0].casefold() not in ("con", "nul", "com1", "com¹")
        assert len(name.encode()) < 200
        assert name == unicodedata.normalize("NFC", name)


def test_plain_names_stay_and_the_same_names_come_again() -> None:
    assert folder_names(["tabby", "school bus", "猫", "St. Bernard"]) == ("tabby", "school bus", "猫", "St. Bernard")
    assert folder_names(ODD) == folder_names(ODD)
    folders = SortFolders.for_classes(["unsure", "tabby"])
    assert folders.of == {"unsure": "unsure (2)", "tabby": "tabby"}
    assert (folders.unsure, folders.none) == ("unsure", "none of these")


@pytest.mark.parametrize(
    ("name", "used", "free"),
    [
        ("IMG_1.jpg", [], "IMG_1.jpg"),
        ("IMG_1.jpg", ["img_1.JPG"], "IMG_1 (2).jpg"),
        ("a.jpg", ["a.jpg", "A (2).jpg"], "a (3).jpg"),
        ("none", ["none"], "none (2)"),
        ("x" * 251 + ".jpg", ["x" * 251 + ".jpg"], "x" * 247 + " (2).jpg"),
    ],
)
def test_a_file_name_that_is_taken_gets_a_number(name: str, used: list[str], free: str) -> None:
    assert free_name(name, {folded(one) for one in used}) == free
