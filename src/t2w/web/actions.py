"""What a person changes on the page, as it comes from the browser: nothing in it is taken on trust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from t2w.errors import T2WError
from t2w.tasks.class_names import check_text

if TYPE_CHECKING:
    from t2w.web.session import Session

__all__ = ["meant", "move"]

_MOST_TEXT = 2_000  # characters of a description


def meant(session: Session, change: Any) -> None:
    """A class is described, or one of its name's meanings is chosen; "" takes either back.

    Args:
        change: {"name": class, "kind": "sense" or "text", "value": a WordNet id or a description}.

    Raises:
        T2WError: something else.
    """
    name, kind, value = (_field(change, key, str) for key in ("name", "kind", "value"))
    kept = {"sense": session.senses, "text": session.texts}.get(kind)
    if kept is None or name not in _classes(session):
        raise _unknown()
    if value := value.strip()[:_MOST_TEXT]:
        check_text(value, f"the description of class {name!r}")
        kept[name] = value
    else:
        kept.pop(name, None)


def move(session: Session, change: Any) -> None:
    """Pictures are put into a column, or back to where the classifier puts them.

    Args:
        change: {"pictures": numbers, "to": position of a class, "none", or "back"}.

    Raises:
        T2WError: something else.
    """
    numbers, to = _field(change, "pictures", list), _field(change, "to", str)
    columns: dict[str, str | None] = {str(k): name for k, name in enumerate(_classes(session))} | {"none": None}
    if to not in columns and to != "back":
        raise _unknown()
    for number in numbers:
        if not isinstance(number, int) or number not in session.pictures:
            continue  # of a page that is behind
        if to == "back":
            session.labels.pop(number, None)
        else:
            session.labels[number] = columns[to]


def _classes(session: Session) -> tuple[str, ...]:
    return () if session.classifier is None else session.classifier.classes


def _field(change: Any, key: str, kind: type) -> Any:
    value = change.get(key) if isinstance(change, dict) else None
    if not isinstance(value, kind):
        raise _unknown()
    return value


def _unknown() -> T2WError:
    return T2WError("the page asks for something that is not there", fix="reload the page")
