"""Disks that are full, folders that are read-only, other file systems, logs that are damaged."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fake_classifier import ByName, contents, photographs

from t2w import T2WError
from t2w.sorting import How, sort_photos, undo_sort
from t2w.sorting.decide import LOG


def refuse(number: int, monkeypatch: pytest.MonkeyPatch, name: str = "link", *, after: int = 0) -> None:
    """Let an os function fail, from its call `after` on."""
    real, calls = getattr(os, name), 0

    def failing(*arguments: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls > after:
            raise OSError(number, os.strerror(number))
        return real(*arguments, **options)

    monkeypatch.setattr(os, name, failing)


@pytest.mark.parametrize("how", ["copy", "link", "move"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_target_that_cannot_be_written_any_more(
    holiday: Path, tmp_path: Path, how: How, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sorted(path.read_bytes() for path in holiday.rglob("*.jpg"))
    with monkeypatch.context() as patch:
        refuse(number, patch, after=2)
        refuse(number, patch, "open", after=3)
        with pytest.raises(T2WError, match=rf"cannot write .*{os.strerror(number)}"):
            sort_photos(ByName(), holiday, tmp_path / "out", how=how)
    left = [path.read_bytes() for path in holiday.rglob("*.jpg")]
    came = list(contents(tmp_path / "out").values())
    assert 0 < len(came) < 6
    assert sorted(left + came if how == "move" else left) == whole
    sort_photos(ByName(), holiday, tmp_path / "out", how=how)
    assert sorted(contents(tmp_path / "out").values()) == whole


def test_a_log_that_finds_no_space_is_cut_to_whole_lines(
    holiday: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    with monkeypatch.context() as patch:
        room = 700

        def write(handle: int, text: bytes) -> int:
            nonlocal room
            if not room:
                raise OSError(errno.ENOSPC, "No space left on device")
            written = real(handle, text[:room])
            room -= written
            return written

        patch.setattr(os, "write", write)
        with pytest.raises(T2WError, match=r"No space left on device; free some space"):
            sort_photos(ByName(), holiday, tmp_path / "out", how="move", batch_size=2)
    assert (tmp_path / "out" / LOG).read_bytes().endswith(b"}\n")
    assert sort_photos(ByName(), holiday, tmp_path / "out", how="move").new >= 4
    assert len(contents(tmp_path / "out")) == 6


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="another file system")
def test_a_move_to_another_file_system_and_back(holiday: Path) -> None:
    whole = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in holiday.rglob("*.jpg")}
    out = Path("/dev/shm") / f"t2w-sort-test-{os.getpid()}"
    try:
        result = sort_photos(ByName(), holiday, out, how="move")
        assert not list(holiday.rglob("*.jpg"))
        for entry in result.entries:
            place = entry.place(out)
            assert (place.read_bytes(), place.stat().st_mtime_ns) == whole[entry.source]
        assert undo_sort(out).moved == 6
        assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in holiday.rglob("*.jpg")} == whole
        if out.parent.stat().st_dev != holiday.stat().st_dev:
            with pytest.raises(T2WError, match=r"cannot be linked .*one file system that has hard links; copy instead"):
                sort_photos(ByName(), holiday, out, how="link")
    finally:
        shutil.rmtree(out, ignore_errors=True)


def test_a_source_that_nothing_can_be_taken_from_stays_whole(
    holiday: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.unlink

    def unlink(path: str | Path, **options: object) -> None:
        if holiday in Path(path).parents:
            raise PermissionError(errno.EACCES, "Permission denied")
        real(path)

    monkeypatch.setattr(os, "unlink", unlink)
    result = sort_photos(ByName(), holiday, tmp_path / "out", how="move")
    assert (result.new, len(result.refused), contents(tmp_path / "out")) == (0, 6, {})
    assert "cannot be moved away: Permission denied; copy: leave out --move" in str(result.refused[0][1])
    assert len(list(holiday.rglob("*.jpg"))) == 6


def test_no_hard_links_at_all(holiday: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(errno.EPERM, monkeypatch)
    photographs(tmp_path / "out", "cat/cat-1.jpg")
    sort_photos(ByName(), holiday, tmp_path / "out", how="move")
    assert len(contents(tmp_path / "out")) == 7
    assert not list(holiday.rglob("*.jpg"))


def test_links_and_files_in_the_place_of_folders(holiday: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "cat").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(T2WError, match="cat is a symbolic link; expected a folder for photographs"):
        sort_photos(ByName(), holiday, tmp_path / "out")
    assert not list((tmp_path / "elsewhere").iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(T2WError, match="cannot write"):
        sort_photos(ByName(), holiday, tmp_path / "file" / "out")


def test_a_log_that_is_damaged_or_leads_elsewhere_is_refused(holiday: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    sort_photos(ByName(), holiday, out, how="move")
    log = (out / LOG).read_text()
    for text, found in (
        (log.replace('"name": "cat-1.jpg"', '"name": "../../escaped.jpg"', 1), "is no name in a folder"),
        (log.replace('"folder": "cat"', '"folder": ".."', 1), "is no name in a folder"),
        (log.replace("}\n{", "}\nnot JSON\n{", 1), "line 2 of .* is damaged"),
        (log.replace('"format": 1', '"format": 2', 1), "of another format"),
        ("[]\n", "line 1 of .* is damaged"),
    ):
        assert text != log
        (out / LOG).write_text(text)
        for work in (lambda: undo_sort(out), lambda: sort_photos(ByName(), holiday, out, how="move")):
            with pytest.raises(T2WError, match=found):
                work()
        assert (out / LOG).read_text() == text
    assert len(contents(out)) == 6


def test_two_at_once(holiday: Path, tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    script = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, 2); print(flush=True); input()"
    out = tmp_path / "out"
    sort_photos(ByName(), holiday, out)
    command = [sys.executable, "-c", script, out / LOG]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(T2WError, match="another process is sorting into"):
            sort_photos(ByName(), holiday, out)
        other.communicate(b"\n")
    assert sort_photos(ByName(), holiday, out).new == 0
