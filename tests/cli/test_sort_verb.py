"""`t2w sort` as a user drives it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from colour_world import COLOURS, paint

pytestmark = pytest.mark.usefixtures("colours")


@pytest.fixture(autouse=True)
def without_waiting_for_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda handle: None)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    paint(folder / "a.png", COLOURS["red"])
    paint(folder / "more" / "a.png", COLOURS["red"])
    paint(folder / "b.jpg", COLOURS["deep_blue"])
    paint(folder / "grey.png", (127, 127, 127))
    return folder


def test_sorted_counted_and_shown(classifier: str, photos: Path, tmp_path: Path, t2w: Callable) -> None:
    command = ("sort", str(photos), "--classifier", classifier, "--into", str(tmp_path / "out"))
    outcome = t2w(*command)
    assert outcome.code == 0, outcome.err
    *table, last = outcome.out.splitlines()
    assert [line.rsplit(None, 1) for line in table] == [
        ["red", "2"], ["green", "0"], ["deep_blue", "1"], ["unsure", "1"], ["none of these", "0"]
    ]  # fmt: skip
    assert last == f"{tmp_path / 'out' / 'index.html'}: 4 copied"
    assert sorted(os.listdir(tmp_path / "out" / "red")) == ["a (2).png", "a.png"]
    assert t2w(*command).out.splitlines()[-1].endswith(": 0 copied, 4 sorted before")


def test_moved_and_undone(classifier: str, photos: Path, tmp_path: Path, t2w: Callable) -> None:
    before = sorted(path.relative_to(photos) for path in photos.rglob("*"))
    out = str(photos / "sorted")
    assert t2w("sort", str(photos), "--classifier", classifier, "--into", out, "--move").code == 0
    outcome = t2w("sort", "--undo", out)
    assert (outcome.code, outcome.out) == (0, f"{out}: 4 moved back\n")
    assert sorted(path.relative_to(photos) for path in photos.rglob("*")) == before


def test_exit_codes_tell_some_from_none(classifier: str, photos: Path, tmp_path: Path, t2w: Callable) -> None:
    (photos / "bad.png").write_bytes(b"no image")
    outcome = t2w("sort", str(photos), "--classifier", classifier, "--into", str(tmp_path / "out"), "--link")
    assert outcome.code == 1
    assert "left: " in outcome.err
    assert outcome.out.endswith(": 4 linked, 1 left where they are\n")
    outcome = t2w("sort", str(photos / "bad.png"), "--classifier", classifier, "--into", str(tmp_path / "none"))
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines()[-1] == "t2w: none of 1 could be sorted; the reasons stand above"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--into", "out"], "no photographs"),
        (["photos", "--classes", "red, green"], "no folder to sort into"),
        (["photos", "--into", "out"], "no classes"),
        (["photos", "--into", "out", "--classes", "red"], "1 class(es) given"),
        (["photos", "--into", "out", "--classifier", "x.t2w", "--classes", "red, green"], "both --classifier and"),
        (["photos", "--undo", "out"], "--undo FOLDER alone"),
        (["--undo", "out"], "there is no out"),
    ],
)
def test_mistakes_are_one_sentence(arguments: list[str], said: str, t2w: Callable) -> None:
    outcome = t2w("sort", *arguments)
    assert (outcome.code, outcome.out, len(outcome.err.splitlines())) == (2, "", 1)
    assert said in outcome.err
