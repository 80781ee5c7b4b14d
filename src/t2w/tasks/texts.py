"""From class names to texts, and from what a user types to class names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from t2w.errors import T2WError, nearest

__all__ = ["TextMode", "parse_classes", "readable_name"]


def readable_name(name: str, *, separators: str = "_") -> str:
    """A class name as a person writes it: "pine_tree" becomes "pine tree".

    Args:
        separators: characters that stand for a space. A hyphen is a part of many words (go-kart) and is left alone
            unless it is named here.
    """
    for separator in separators:
        name = name.replace(separator, " ")
    return " ".join(name.split())


@dataclass(frozen=True)
class TextMode:
    """How a class name becomes the text its embedding is made of; stored with tasks and generators.

    Attributes:
        template: a sentence with "{}" where the name goes.
        separators: characters of a name that stand for a space; "" leaves names as they are.

    Raises:
        T2WError: the template does not hold "{}" exactly once.
    """

    template: str = "a photo of a {}"
    separators: str = "_"

    def __post_init__(self) -> None:
        if not isinstance(self.template, str) or self.template.count("{}") != 1:
            raise T2WError(
                f"text template is {self.template!r}", expected="a sentence with {} once, where the name goes"
            )

    def text(self, name: str) -> str:
        """The text of one class. Raises T2WError where the name is empty."""
        readable = readable_name(name, separators=self.separators)
        if not readable:
            raise T2WError(f"the class name {name!r} is empty", expected="a name or a sentence")
        return self.template.replace("{}", readable)

    def texts(self, names: Iterable[str]) -> tuple[str, ...]:
        """One text per name, in order."""
        return tuple(self.text(name) for name in names)

    def to_dict(self) -> dict[str, Any]:
        return {"mode": "template", **asdict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TextMode:
        """The inverse of `to_dict`. Raises T2WError for another mode or unknown fields."""
        fields = {key: value for key, value in values.items() if key != "mode"}
        if values.get("mode", "template") != "template" or fields.keys() - {"template", "separators"}:
            raise T2WError(f"text mode is {dict(values)!r}", expected="mode 'template' with template and separators")
        return cls(**fields)


def parse_classes(classes: str | Sequence[str], *, known: Sequence[str] | None = None) -> tuple[str, ...]:
    """The class names a user gave, checked.

    Args:
        classes: "three, five, eight", or a sequence of names (which may then hold commas).
        known: the names there are; a name is also found by its readable form in any case ("pine tree"). None accepts
            every name.

    Raises:
        T2WError: fewer than 2 classes, an empty name, one twice, or one that is not known.
    """
    names = [name.strip() for name in (classes.split(",") if isinstance(classes, str) else classes)]
    if names == [""] or len(names) < 2:
        given = repr(names[0]) if names and names[0] else "none"
        raise T2WError(
            f"{0 if given == 'none' else 1} class(es) given: {given}", expected="at least 2, with commas between them"
        )
    if "" in names:
        raise T2WError(f"class {names.index('') + 1} of {len(names)} is empty", expected="a name between the commas")
    if known is not None:
        names = [_find(name, known) for name in names]
    first: dict[str, str] = {}
    for name in names:
        if (other := first.get(_folded(name))) is not None:
            same = "" if other == name else f" (as {other!r})"
            raise T2WError(f"class {name!r} is given more than once{same}", expected="each class once")
        first[_folded(name)] = name
    return tuple(names)


def _folded(name: str) -> str:
    return readable_name(name).casefold()


def _find(name: str, known: Sequence[str]) -> str:
    if name in known:
        return name
    alike = [candidate for candidate in known if _folded(candidate) == _folded(name)]
    if len(alike) == 1:
        return alike[0]
    shown = ", ".join(known[:12]) + (f" ... ({len(known)} in all)" if len(known) > 12 else "")
    raise T2WError(f"class {name!r} is not known{nearest(name, known)}", expected=f"one of {shown}")
