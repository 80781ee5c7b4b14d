"""The contact sheet, the table and the zip beside a sorted folder."""

from __future__ import annotations

import csv
import io
import os
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from fake_classifier import ByName, contents, photographs
from html_tags import Tags
from PIL import Image

from t2w import T2WError
from t2w.sorting import sheet as sheets
from t2w.sorting import sort_photos, write_zip

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    names = [
        'cat-"><img src=x onerror=alert(1)>.jpg',
        "cat-javascript:alert(1).jpg",
        "bad-<script>.jpg",
    ]
    photographs(folder, *names, os.fsdecode(b"cat-\xe9#?%41.jpg"), "=cat.jpg")
    Image.new("RGB", (300, 90), "teal").save(folder / f"{EVIL.replace('/', '_')}-1.png")
    return folder


def test_the_sheet_escapes_everything_and_asks_for_nothing(evil: Path, tmp_path: Path) -> None:
    result = sort_photos(ByName(["cat", EVIL, "dog"]), evil, tmp_path / "out")
    page = Tags(result.sheet.read_text(encoding="utf-8"))
    assert {name for name, _ in page.tags} <= {
        "html", "head", "meta", "title", "style", "body", "header", "h1", "p", "a", "nav", "b", "bdi", "main",
        "section", "h2", "span", "ul", "li", "img", "i",
    }  # fmt: skip
    assert not [key for _, attributes in page.tags for key in attributes if key.startswith("on")]
    assert EVIL in page.text
    assert all(source.startswith("data:image/webp;base64,") for source in page.all("img", "src"))
    assert len(page.all("img", "src")) == 1  # the others are no images
    links = [link for link in page.all("a", "href") if not link.startswith("#")]
    assert sorted(links[1:]) == sorted(set(links[1:]))
    for link in links:  # each opens its file, relative to the sheet
        assert not re.match(r"[a-z]+:", link)
        assert (tmp_path / "out" / os.fsdecode(unquote_to_bytes(link))).is_file()
    targets = {link[1:] for link in page.all("a", "href") if link.startswith("#")}
    assert set(page.all("section", "id")) <= targets


@pytest.mark.parametrize(("bound", "most"), [("MOST_SHOWN", 1), ("_MOST_IN_ALL", 7)])
def test_of_a_large_folder_the_least_sure_are_shown(
    bound: str, most: int, holiday: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, bound, most)
    page = Tags(sort_photos(ByName(), holiday, tmp_path / "out").sheet.read_text(encoding="utf-8"))
    assert len(page.all("a", "title")) == 4
    assert page.text.count("and 1 more, surer ones") == 2


def test_the_table_has_a_line_for_each_photograph_and_no_formula(evil: Path, tmp_path: Path) -> None:
    result = sort_photos(ByName(["=cat", "dog"]), evil, tmp_path / "out")
    text = (tmp_path / "out" / "results.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(result.entries) == 5
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    assert {row["class"] for row in rows} == {"'=cat"}
    assert {(row["probability"], row["second"], row["second_probability"]) for row in rows} == {
        ("0.9500", "dog", "0.0500")
    }


def test_the_zip_has_the_folders_of_a_sort(holiday: Path, tmp_path: Path) -> None:
    result = sort_photos(ByName(), holiday, tmp_path / "out", how="move")
    write_zip(result.entries, tmp_path / "sorted.zip", into=result.into)
    with zipfile.ZipFile(tmp_path / "sorted.zip") as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    assert found.pop("results.csv") == (tmp_path / "out" / "results.csv").read_bytes()
    assert found == contents(tmp_path / "out")


def test_a_zip_keeps_equal_names_apart_or_is_not_written(holiday: Path, tmp_path: Path) -> None:
    entries = sort_photos(ByName(), holiday, tmp_path / "out").entries
    write_zip([*entries, *entries], tmp_path / "twice.zip")
    with zipfile.ZipFile(tmp_path / "twice.zip") as archive:
        names = archive.namelist()
    assert len(names) == len(set(names)) == 13
    write_zip([replace(entries[0], name="../../up.jpg")], tmp_path / "up.zip")
    with zipfile.ZipFile(tmp_path / "up.zip") as archive:
        assert archive.namelist() == ["cat/up.jpg", "results.csv"]
    (holiday / "cat-1.jpg").unlink()
    with pytest.raises(T2WError, match="cannot read"):
        write_zip(entries, tmp_path / "lacking.zip")
    assert not (tmp_path / "lacking.zip").exists()
