"""A script in a class name, a file name, or a description is text, wherever the page shows it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from colour_world import MeanColour, colour_classifier
from html_tags import Tags
from page_pictures import png

from t2w.web import Bounds, Engine, views
from t2w.web.session import Session

BAD = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def harmless(html: str) -> Tags:
    found = Tags(html)
    assert "script" not in [tag for tag, _ in found.tags]
    assert not any(key.startswith("on") for _, attributes in found.tags for key in attributes)
    assert all(str(a["src"]).startswith("t2w/") for tag, a in found.tags if tag == "img")
    return found


@pytest.fixture
def bad_session(session: Session, send: Callable) -> Session:
    engine = Engine(given=colour_classifier((BAD, "green", "{{ 7 * 7 }}")))
    engine.__dict__["encoder"] = MeanColour()
    send(session, f"{BAD}.png", png((255, 0, 0)))
    send(session, f"{BAD}2.png", b"no image")
    engine.write(session)
    session.texts[BAD] = BAD
    session.told = BAD
    list(engine.encode(session))
    return session


def test_the_board(bad_session: Session) -> None:
    found = harmless(views.board(bad_session))
    assert found.text.count(BAD) >= 4  # told, heading, option, refused
    cards = [attributes for tag, attributes in found.tags if tag == "button" and "title" in attributes]
    assert [attributes["title"] for attributes in cards] == [f"{BAD}.png"]


def test_the_meanings(bad_session: Session) -> None:
    found = harmless(views.meanings(bad_session))
    assert BAD in found.text
    assert "{{ 7 * 7 }}" in found.text


def test_notes_and_the_drop_zone() -> None:
    assert BAD in harmless(views.note([BAD], alarm=True)).text
    assert BAD in harmless(views.note([BAD])).text
    assert views.note([]).strip() == ""
    assert dict(harmless(views.drop_zone(Bounds())).tags[0][1])["data-pictures"] == "2000"


def test_names_that_are_no_text() -> None:
    assert "\\udce9" in views.note(["caf\udce9.png"]).encode().decode()
