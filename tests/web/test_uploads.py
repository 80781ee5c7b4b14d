"""What comes in is bounded, and what is refused leaves nothing behind."""

from __future__ import annotations

import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from page_pictures import png, zipped

from t2w.errors import T2WError
from t2w.web import Bounds
from t2w.web.session import Session


def files_of(session: Session) -> list[Path]:
    return sorted((session.folder / "pictures").iterdir())


def test_a_picture_and_a_copy_of_it(session: Session, send: Callable) -> None:
    assert send(session, "holiday/a.png", png((255, 0, 0))) == 1
    assert send(session, "b.png", png((255, 0, 0))) == 0
    assert [one.name for one in session.pictures.values()] == ["holiday/a.png"]
    assert session.kept_bytes == len(png((255, 0, 0))) == sum(file.stat().st_size for file in files_of(session))


def test_names_are_never_paths(session: Session, send: Callable) -> None:
    assert send(session, "../../../etc/x.png", png((1, 2, 3))) == 1
    assert send(session, "C:\\x\\" + "y" * 600 + ".png", png((1, 2, 4))) == 1
    assert all(one.file.parent == session.folder / "pictures" for one in session.pictures.values())
    assert len(files_of(session)) == 2


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("x.png", b"\x89PNG" + bytes(20_000), "x.png has 20,004 bytes; expected at most 20,000 bytes"),
        ("x.zip", bytes(40_001), "x.zip has 40,001 bytes; expected at most 40,000 bytes; sort larger folders"),
        ("x.exe", b"MZ", "x.exe is no picture; expected an image file or a zip file"),
        ("x.zip", b"no zip", "x.zip is not a whole zip file"),
        ("x.zip", b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 9, 9, 2**32 - 1, 0, 0), "holds too many files"),
        ("x.zip", b"PK\x06\x07" + bytes(16) + b"PK\x05\x06" + bytes(18), "holds too many files"),  # its size elsewhere
    ],
)
def test_refused_in_one_sentence(name: str, content: bytes, sentence: str, session: Session, send: Callable) -> None:
    with pytest.raises(T2WError, match=sentence):
        send(session, name, content)
    assert (files_of(session), session.kept_bytes, session.pictures) == ([], 0, {})


def test_a_zip_file_brings_its_pictures(session: Session, send: Callable) -> None:
    content = zipped({"a/1.png": png((255, 0, 0)), "a/notes.txt": b"hello", "__MACOSX/._1.png": b"x", "2.png": b"no"})
    assert send(session, "holiday.zip", content) == 2
    assert [one.name for one in session.pictures.values()] == ["a/1.png", "2.png"]
    assert session.kept_bytes == sum(file.stat().st_size for file in files_of(session))


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"bomb.png": bytes(10_000_000)}, r"bomb.png in x.zip has 10 MB; expected at most 20,000 bytes"),
        ({f"{i}.png": bytes([i]) * 19_000 for i in range(4)}, "x.zip unpacks to 76,000 bytes"),
        ({f"{i}.png": b"x" for i in range(6)}, "6 pictures; expected at most 5 on this page"),
        ({"../out.png": b"x"}, r"x.zip holds '../out.png', a path that leads out of it"),
        ({"notes.txt": b"x"}, "x.zip holds no pictures"),
    ],
)
def test_bad_zip_files_bring_nothing(
    members: dict[str, bytes], sentence: str, session: Session, send: Callable
) -> None:
    content = zipped(members)
    assert len(content) < 40_000
    with pytest.raises(T2WError, match=sentence):
        send(session, "x.zip", content)
    assert (files_of(session), session.kept_bytes, session.pictures) == ([], 0, {})


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_that_lies_about_its_size_is_not_unpacked(method: int, session: Session, send: Callable) -> None:
    content = bytearray(zipped({"a.png": bytes(6_000_000)}, method))
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = struct.pack("<L", 10)
    tracemalloc.start()
    send(session, "x.zip", bytes(content))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2_000_000
    assert sum(file.stat().st_size for file in files_of(session)) <= 10
    assert len(session.refused) == 1


def test_no_more_pictures_than_there_may_be(session: Session, send: Callable) -> None:
    for i in range(5):
        assert send(session, f"{i}.png", png((i, 0, 0))) == 1
    with pytest.raises(T2WError, match="6 pictures; expected at most 5"):
        send(session, "6.png", png((9, 9, 9)))
    assert len(files_of(session)) == 5


def test_no_more_bytes_than_there_may_be(session: Session, send: Callable) -> None:
    for i in range(3):
        assert send(session, f"{i}.png", bytes([i]) * 19_000) == 1
    with pytest.raises(T2WError, match="in all; expected at most 60,000 bytes"):
        send(session, "4.png", bytes(19_000))
    assert session.kept_bytes == 57_000


def test_two_zip_files_at_once_keep_no_more_than_there_may_be(
    session: Session, send: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Bounds.check_total

    def late(bounds: Bounds, size: int, found: str = "") -> None:
        if found:  # both have been looked at before either is unpacked
            session.keep(19_000 if session.kept_bytes < 19_000 else 0)
        else:
            check(bounds, size)

    monkeypatch.setattr(Bounds, "check_total", late)
    with pytest.raises(T2WError, match="in all; expected at most 60,000 bytes"):
        send(session, "x.zip", zipped({f"{i}.png": bytes([i]) * 19_000 for i in range(3)}))
