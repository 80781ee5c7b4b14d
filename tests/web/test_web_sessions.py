"""Sessions do not mix, go on after a reload, and leave nothing behind."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from page_pictures import png

from t2w.errors import T2WError
from t2w.files import write_text
from t2w.web import Sessions
from t2w.web.sessions import private_sessions


def until(true: Callable[[], bool]) -> None:
    for _ in range(200):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("not within two seconds")


def test_two_people_have_two_sessions(sessions: Sessions, send: Callable) -> None:
    one, two = sessions.open("a"), sessions.open("b")
    send(one, "x.png", png((1, 1, 1)))
    assert one.token != two.token
    assert (len(one.pictures), len(two.pictures)) == (1, 0)
    assert sessions.of_token(two.token) is two


def test_a_reloaded_page_finds_its_work(sessions: Sessions) -> None:
    session = sessions.open("before")
    assert sessions.open("after", session.token) is session
    sessions.leave("before")
    time.sleep(0.1)
    assert session.folder.is_dir()  # the new page still shows it
    sessions.leave("after")
    assert sessions.open("again", session.token) is session
    time.sleep(0.1)
    assert session.folder.is_dir()


def test_a_closed_page_takes_its_pictures_along(sessions: Sessions, send: Callable) -> None:
    session = sessions.open("page")
    send(session, "x.png", png((1, 1, 1)))
    sessions.leave("page")
    until(lambda: not session.folder.exists())
    with pytest.raises(T2WError, match="this page's work has ended; reload the page"):
        sessions.of_token(session.token)


def test_what_is_asked_for_lives_on(sessions: Sessions) -> None:
    sessions.grace = 0.2
    session = sessions.open("page")
    sessions.leave("page")
    for _ in range(5):
        time.sleep(0.06)
        assert sessions.of_token(session.token) is session
    until(lambda: not session.folder.exists())


def test_start_over(sessions: Sessions) -> None:
    session = sessions.open("page")
    sessions.end(session.token)
    sessions.end("")  # not confirmed
    assert not session.folder.exists()
    assert sessions.open("page", session.token) is not session


def test_what_is_written_after_the_end_goes_too(sessions: Sessions) -> None:
    session = sessions.open("page")
    with sessions.writing(session.token):
        sessions.end(session.token)
        write_text(session.folder / "files" / "results.csv", "late")
    assert not session.folder.exists()


def test_a_token_that_somebody_made_up_is_a_new_session(sessions: Sessions) -> None:
    assert sessions.open("page", "mine").token != "mine"


def test_no_more_people_than_there_may_be(sessions: Sessions) -> None:
    sessions.grace = 60
    first = sessions.open("a")
    sessions.open("b")
    with pytest.raises(T2WError, match="2 people are at work here"):
        sessions.open("c")
    sessions.leave("a")
    sessions.open("c")  # in the place of the one without a page
    assert not first.folder.exists()
    assert len(sessions) == 2


def test_the_folder_is_private_and_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def interrupted() -> None:
        with private_sessions() as sessions:
            session = sessions.open("page")
            (session.folder / "pictures" / "x.png").write_bytes(b"x")
            for folder in (sessions.root, session.folder):
                assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(T2WError, match="no temporary folder for pictures can be made"), private_sessions():
        pass
