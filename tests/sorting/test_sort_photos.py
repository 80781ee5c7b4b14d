"""`sort_photos`: what goes where, and what stays."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from fake_classifier import ByName, contents, photographs

from t2w import T2WError, T2WWarning
from t2w.sorting import How, sort_photos, undo_sort
from t2w.sorting.decide import LOG


def taken(folder: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_copies_into_a_folder_for_each_class_and_two_more(holiday: Path, tmp_path: Path) -> None:
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in holiday.rglob("*.jpg")}
    result = sort_photos(ByName(), holiday, tmp_path / "out")
    assert result.counts == {"cat": 2, "dog": 2, "unsure": 1, "none of these": 1}
    assert list(contents(tmp_path / "out")) == [
        "cat/cat-1 (2).jpg", "cat/cat-1.jpg", "dog/dog-1.jpg", "dog/dog-2.jpg", "none of these/none-1.jpg",
        "unsure/unsure-1.jpg",
    ]  # fmt: skip
    for entry in result.entries:
        place = entry.place(result.into)
        assert (place.read_bytes(), place.stat().st_mtime_ns) == before[entry.source]
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in holiday.rglob("*.jpg")} == before
    assert (result.new, result.refused, result.gone) == (6, (), 0)
    assert sorted(path.name for path in result.into.iterdir() if path.is_file()) == [
        "index.html", "results.csv", LOG
    ]  # fmt: skip


def test_the_threshold_is_settable(holiday: Path, tmp_path: Path) -> None:
    assert sort_photos(ByName(), holiday, tmp_path / "a", unsure_below=0.5).counts["unsure"] == 0
    assert sort_photos(ByName(), holiday, tmp_path / "b", unsure_below=0.99).counts["unsure"] == 5
    with pytest.raises(T2WError, match=r"unsure_below is 1\.5"):
        sort_photos(ByName(), holiday, tmp_path / "c", unsure_below=1.5)


@pytest.mark.parametrize("how", ["copy", "link", "move"])
def test_again_nothing_is_twice_and_what_is_new_is_added(holiday: Path, tmp_path: Path, how: How) -> None:
    out = tmp_path / "out"
    sort_photos(ByName(), holiday, out, how=how)
    first = contents(out)
    again = ByName()
    assert sort_photos(again, holiday, out, how=how).new == 0
    assert (again.seen, contents(out)) == ([], first)
    photographs(holiday, "more/dog-1.jpg")
    result = sort_photos(again, holiday, out, how=how)
    assert (result.new, len(result.entries), [path.name for path in again.seen]) == (1, 7, ["dog-1.jpg"])
    assert contents(out).keys() - first.keys() == {"dog/dog-1 (2).jpg"}


def test_links_are_hard_ones(holiday: Path, tmp_path: Path) -> None:
    result = sort_photos(ByName(), holiday, tmp_path / "out", how="link")
    assert all(entry.place(result.into).samefile(entry.source) for entry in result.entries)
    shutil.rmtree(holiday)
    assert len(contents(tmp_path / "out")) == 6


def test_a_touched_photograph_is_known_by_its_content_and_an_altered_one_is_new(holiday: Path, tmp_path: Path) -> None:
    sort_photos(ByName(), holiday, tmp_path / "out")
    os.utime(holiday / "cat-1.jpg")
    (holiday / "dog-1.jpg").write_bytes(b"another dog")
    result = sort_photos(ByName(), holiday, tmp_path / "out")
    assert result.new == 1
    assert contents(tmp_path / "out")["dog/dog-1 (2).jpg"] == b"another dog"


def test_what_was_taken_out_by_hand_stays_out(holiday: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    sort_photos(ByName(), holiday, out)
    (out / "cat" / "cat-1.jpg").rename(out / "dog" / "cat-1.jpg")
    result = sort_photos(ByName(), holiday, out)
    assert (result.new, result.gone, len(result.entries)) == (0, 1, 5)
    assert not (out / "cat" / "cat-1.jpg").exists()
    photographs(tmp_path / "more", "cat-1.jpg")
    assert sort_photos(ByName(), [holiday, tmp_path / "more"], out).new == 1
    assert not (out / "cat" / "cat-1.jpg").exists()  # its name is not given to another


def test_a_moved_photograph_that_was_put_back_is_moved_again(holiday: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = sort_photos(ByName(), holiday, out, how="move")
    back = next(entry for entry in first.entries if entry.source == holiday / "cat-1.jpg")
    back.place(out).rename(back.source)
    result = sort_photos(ByName(), holiday, out, how="move")
    assert (result.new, result.gone, len(result.entries)) == (1, 0, 6)
    assert not list(holiday.rglob("*.jpg"))
    assert undo_sort(out).moved == 6


def test_the_target_and_other_sorted_folders_inside_the_source_are_not_sorted(holiday: Path) -> None:
    assert sort_photos(ByName(), holiday, holiday / "a").new == 6
    assert sort_photos(ByName(), holiday, holiday / "a").new == 0
    with pytest.warns(T2WWarning, match=r"a is left out: t2w has sorted it"):
        assert sort_photos(ByName(), holiday, holiday / "b").new == 6


def test_a_folder_is_not_sorted_into_itself(holiday: Path) -> None:
    with pytest.raises(T2WError, match=r"would be sorted into .*name a folder inside it: --into .*sorted"):
        sort_photos(ByName(), holiday, holiday)
    with pytest.raises(T2WError, match="would be sorted into"):
        sort_photos(ByName(), holiday / "day 2", holiday)
    assert not (holiday / LOG).exists()


def test_links_that_lead_out_are_named_and_left_and_those_inside_count_once(holiday: Path, tmp_path: Path) -> None:
    outside = photographs(tmp_path / "elsewhere", "cat-9.jpg")[0]
    (holiday / "cat-8.jpg").symlink_to(outside)
    (holiday / "folder").symlink_to(outside.parent)
    (holiday / "dog-8.jpg").symlink_to("nowhere")
    (holiday / "cat-7.jpg").symlink_to("cat-1.jpg")
    (holiday / "same").symlink_to("day 2")
    result = sort_photos(
        ByName(), [holiday, holiday / "cat-1.jpg", holiday / "cat-7.jpg"], tmp_path / "out", how="move"
    )
    assert result.new == 6
    assert sorted(path.name for path, _ in result.refused) == ["cat-7.jpg", "cat-8.jpg", "dog-8.jpg", "folder"]
    assert all("symbolic link" in str(reason) for _, reason in result.refused)
    assert outside.exists()
    assert (holiday / "cat-8.jpg").is_symlink()


def test_what_cannot_be_read_is_left_and_the_others_are_sorted(holiday: Path, tmp_path: Path) -> None:
    photographs(holiday, "bad-1.jpg")
    os.mkfifo(holiday / "cat-5.jpg")
    result = sort_photos(ByName(), [holiday, tmp_path / "nothing.jpg"], tmp_path / "out", how="move")
    assert result.new == 6
    assert sorted(path.name for path, _ in result.refused) == ["bad-1.jpg", "cat-5.jpg", "nothing.jpg"]
    assert (holiday / "bad-1.jpg").exists()


@pytest.mark.parametrize("how", ["copy", "link", "move"])
def test_files_that_change_after_they_were_classified_are_left(holiday: Path, tmp_path: Path, how: How) -> None:
    def meddle(files: object) -> None:
        (holiday / "cat-1.jpg").write_bytes(b"edited meanwhile")
        (holiday / "dog-1.jpg").unlink()

    result = sort_photos(ByName(before_batch=meddle), holiday, tmp_path / "out", how=how)
    assert {path.name: str(reason) for path, reason in result.refused}.keys() == {"cat-1.jpg", "dog-1.jpg"}
    assert (result.new, (holiday / "cat-1.jpg").read_bytes()) == (4, b"edited meanwhile")
    assert sort_photos(ByName(), holiday, tmp_path / "out", how=how).new == 1
    assert b"edited meanwhile" in taken(tmp_path / "out")


def test_files_of_other_kinds_are_told_of(holiday: Path, tmp_path: Path) -> None:
    photographs(holiday, "a.PSD", "day 2/b.psd", "c.mov", "notes", ".hidden.jpg")
    with pytest.warns(T2WWarning, match=r"stay: 2 \.psd, 1 \.mov, 1 without an ending$"):
        assert sort_photos(ByName(), holiday, tmp_path / "out", how="move").new == 6
    assert len(list(holiday.rglob("*.*"))) == 4


def test_nothing_to_sort_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "void").mkdir()
    for photos in (tmp_path / "void", tmp_path / "absent", []):
        with pytest.raises(T2WError):
            sort_photos(ByName(), photos, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_folder_is_sorted_in_one_way(holiday: Path, tmp_path: Path) -> None:
    sort_photos(ByName(), holiday, tmp_path / "out")
    with pytest.raises(T2WError, match="is sorted into cat, dog; expected the same classes"):
        sort_photos(ByName(["cat", "bus"]), holiday, tmp_path / "out")
    with pytest.raises(T2WError, match="are there by copy"):
        sort_photos(ByName(), holiday, tmp_path / "out", how="move")


def test_files_of_others_are_not_overwritten(holiday: Path, tmp_path: Path) -> None:
    photographs(tmp_path / "out", "cat/CAT-1.jpg", "cat/other.jpg")
    kept = contents(tmp_path / "out")
    sort_photos(ByName(), holiday, tmp_path / "out")
    assert kept.items() <= contents(tmp_path / "out").items()
    assert {"cat/cat-1 (2).jpg", "cat/cat-1 (3).jpg"} <= contents(tmp_path / "out").keys()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("my page")
    with pytest.raises(T2WError, match=r"holds another index\.html"):
        sort_photos(ByName(), holiday, tmp_path / "mine")


def test_a_name_that_somebody_takes_in_the_last_moment(holiday: Path, tmp_path: Path) -> None:
    def meddle(files: object) -> None:
        photographs(tmp_path / "out", "dog/dog-1.jpg")

    first = sort_photos(ByName(), holiday / "day 2", tmp_path / "out")  # lists the folders
    assert first.new == 2
    result = sort_photos(ByName(before_batch=meddle), holiday, tmp_path / "out")
    assert result.new == 4
    assert "dog/dog-1 (2).jpg" in contents(tmp_path / "out")


def test_names_that_are_no_text(tmp_path: Path) -> None:
    photographs(tmp_path / "in", os.fsdecode(b"cat-\xe9.jpg"))
    result = sort_photos(ByName(), tmp_path / "in", tmp_path / "out", how="move")
    assert os.listdir(os.fsencode(tmp_path / "out" / "cat")) == [b"cat-\xe9.jpg"]
    assert sort_photos(ByName(), tmp_path / "in", tmp_path / "out", how="move").new == 0
    assert "cat-\\udce9.jpg" in result.sheet.read_text(encoding="utf-8")
