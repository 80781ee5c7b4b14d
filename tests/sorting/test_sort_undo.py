"""Moved photographs back to where they were."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fake_classifier import ByName, contents

from t2w import T2WError
from t2w.sorting import sort_photos, undo_sort
from t2w.sorting.decide import LOG


def test_everything_goes_back_and_the_folder_goes_away(holiday: Path, tmp_path: Path) -> None:
    whole = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in holiday.rglob("*.jpg")}
    sort_photos(ByName(), holiday, tmp_path / "out", how="move")
    shutil.rmtree(holiday)  # its empty folders
    undone = undo_sort(tmp_path / "out")
    assert (undone.moved, undone.refused) == (6, ())
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in holiday.rglob("*.jpg")} == whole
    assert not (tmp_path / "out").exists()


def test_what_is_at_the_old_place_is_not_overwritten(holiday: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    sort_photos(ByName(), holiday, out, how="move")
    (holiday / "cat-1.jpg").write_bytes(b"a newer one")
    (out / "dog" / "dog-1.jpg").unlink()
    (out / "cat" / "mine.txt").write_text("kept")
    undone = undo_sort(out)
    assert undone.moved == 4
    assert sorted(path.name for path, _ in undone.refused) == ["cat-1.jpg", "dog-1.jpg"]
    assert (holiday / "cat-1.jpg").read_bytes() == b"a newer one"
    assert (out / "cat" / "cat-1.jpg").exists() or (out / "cat" / "cat-1 (2).jpg").exists()
    (holiday / "cat-1.jpg").unlink()
    assert undo_sort(out).moved == 1
    assert (out / "cat" / "mine.txt").read_text() == "kept"


def test_photographs_edited_since_go_back_as_they_are(holiday: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    sort_photos(ByName(), holiday, out, how="move")
    (out / "dog" / "dog-1.jpg").write_bytes(b"turned upright")
    assert undo_sort(out).moved == 6
    assert (holiday / "dog-1.jpg").read_bytes() == b"turned upright"


def test_a_folder_that_became_a_link_to_the_other_costs_nothing(holiday: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    sort_photos(ByName(), [holiday / "dog-1.jpg"], out, how="move")
    shutil.rmtree(holiday)
    holiday.symlink_to(out / "dog")
    whole = contents(out)
    undo_sort(out)
    assert contents(out) == whole


def test_there_must_be_something_to_undo(holiday: Path, tmp_path: Path) -> None:
    with pytest.raises(T2WError, match=f"there is no .*{LOG}"):
        undo_sort(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()
    sort_photos(ByName(), holiday, tmp_path / "out")
    with pytest.raises(T2WError, match=r"are there by copy; .*delete the folder"):
        undo_sort(tmp_path / "out")
    assert len(contents(tmp_path / "out")) == 6
