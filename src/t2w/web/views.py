"""A session as HTML. Whatever a person typed or uploaded is escaped: templates escape all that they are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from t2w.sorting.decide import NONE, UNSURE, UNSURE_BELOW, SortFolders
from t2w.sorting.names import shown
from t2w.templates import template

if TYPE_CHECKING:
    from t2w.web.bounds import Bounds
    from t2w.web.session import Session
    from t2w.words import Sense

__all__ = ["board", "drop_zone", "meanings", "note"]

_MOST_MEANINGS = 60  # classes with a line of their own


def board(session: Session) -> str:
    """The pictures in columns by class, and the bar that moves them."""
    classifier = session.classifier
    columns: list[dict[str, Any]] = []
    if classifier is not None:
        known_by = dict(zip(classifier.classes, classifier.provenance.get("known_by") or (), strict=False))
        columns = [
            {"heading": name, "to": str(k), "known_by": known_by.get(name)} for k, name in enumerate(classifier.classes)
        ]
        columns += [
            {"heading": UNSURE, "to": "", "known_by": f"less than {UNSURE_BELOW:.0%} sure"},
            {"heading": NONE, "to": "none", "known_by": "like something else"},
        ]
        placed = session.placed()
        for column, folder in zip(columns, SortFolders.for_classes(classifier.classes).names, strict=True):
            column["placed"] = [one for one in placed if one.folder == folder]
    unsorted = session.waiting if classifier is not None else list(session.pictures.values())
    return _html("board.html", session=session, columns=columns, unsorted=unsorted)


def meanings(session: Session) -> str:
    """What each class is taken for, with the other meanings that its name has."""
    classifier = session.classifier
    if classifier is None:
        return ""
    found = {choice.name: choice for choice in session.choices}
    rows = []
    for name, text in list(zip(classifier.classes, classifier.texts, strict=True))[:_MOST_MEANINGS]:
        choice = found.get(name)
        senses: list[Sense] = [] if choice is None or choice.sense is None else [choice.sense, *choice.others]
        senses.sort(key=lambda sense: sense.row)  # in one order, whichever is chosen
        rows.append(
            {
                "name": name,
                "taken": text.removeprefix(name).removeprefix(": ").partition("; also: ")[0].strip(),
                "senses": senses if len(senses) > 1 else [],
                "chosen": session.senses.get(name, ""),
                "text": session.texts.get(name, ""),
            }
        )
    more = len(classifier.classes) - len(rows)
    return _html("meanings.html", rows=rows, more=more, fixed=not session.choices)


def drop_zone(bounds: Bounds) -> str:
    """Where pictures are dropped or chosen."""
    from t2w.images import IMAGE_SUFFIXES

    return _html("drop.html", bounds=bounds, suffixes=sorted(IMAGE_SUFFIXES))


def note(sentences: Sequence[str], *, alarm: bool = False) -> str:
    """What there is to say, or what is wrong."""
    return _html("note.html", sentences=sentences, alarm=alarm)


def _html(name: str, **values: Any) -> str:
    filters = {"shown": shown, "percent": lambda share: f"{100 * share:.1f} %"}
    return template("t2w.web", name, filters).render(values)
