"""Class names as users type them, read and checked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from t2w.errors import T2WError, nearest

__all__ = [
    "MAX_CLASSES", "MAX_NAME_LENGTH", "check_text", "folded_name", "parse_classes", "parse_described", "readable_name",
    "renumbered",
]  # fmt: skip

MAX_CLASSES = 1_000  # what ImageNet asks for; the classifier's table grows with it
MAX_NAME_LENGTH = 500  # characters: more than CLIP's text tower reads (77 tokens), about as many as MiniLM does


def readable_name(name: str, *, separators: str = "_") -> str:
    """A class name as a person writes it: "pine_tree" becomes "pine tree".

    `separators` stand for a space. A hyphen is a part of many words (go-kart) and is left alone unless it is named.
    """
    for separator in separators:
        name = name.replace(separator, " ")
    return " ".join(name.split())


def folded_name(name: str) -> str:
    """What two spellings of one name have in common: readable, without case, composed (NFC)."""
    return unicodedata.normalize("NFC", readable_name(name).casefold())


def parse_classes(classes: str | Sequence[str], *, known: Sequence[str] | None = None) -> tuple[str, ...]:
    """The class names a user gave, in any language, checked and in Unicode's composed form (NFC).

    Args:
        classes: "three, five, eight", where a name that holds a comma stands in double quotes, or a sequence of names.
        known: the names there are; a name is also found by its readable form in any case ("pine tree"). None accepts
            every name.

    Raises:
        T2WError: fewer than 2 classes or more than `MAX_CLASSES`; a name that is empty, given twice, not known, longer
            than `MAX_NAME_LENGTH`, or holds control characters.
    """
    names = [name for name, _ in _fields(classes)] if isinstance(classes, str) else list(classes)
    if len(names) < 2:
        given = f"1 class(es) given: {names[0]!r:.60}" if names and names[0] else "0 class(es) given: none"
        raise T2WError(given, expected="at least 2, with commas between them")
    if len(names) > MAX_CLASSES:
        raise T2WError(f"{len(names):,} classes given", expected=f"at most {MAX_CLASSES:,}")
    names = [_checked(name, f"class {place} of {len(names)}") for place, name in enumerate(names, start=1)]
    if known is not None:
        alike: dict[str, list[str]] = {}
        for name in known:
            alike.setdefault(folded_name(name), []).append(name)
        names = [_find(name, known, alike) for name in names]
    first: dict[str, str] = {}
    for name in names:
        if (other := first.get(folded_name(name))) is not None:
            same = "" if other == name else f" (as {other!r})"
            raise T2WError(f"class {name!r} is given more than once{same}", expected="each class once")
        first[folded_name(name)] = name
    return tuple(names)


def check_text(text: object, where: str, *, expected: str = "a name or a sentence") -> None:
    """Raise T2WError, which begins with `where`, unless `text` is a str in which something can be seen."""
    if not isinstance(text, str):
        raise T2WError(f"{where} is {text!r:.60}", expected="text")
    if not text.strip():
        raise T2WError(f"{where} is empty", expected=expected)
    if not any(character.isprintable() and not character.isspace() for character in text):
        raise T2WError(f"{where} is {text!r:.60}, of which nothing shows", expected=expected)


def renumbered(class_names: Sequence[str], names: Sequence[str], *, where: str) -> list[int]:
    """For every one of all `class_names` its position in `names`; -1 where it is not one of them.

    Raises T2WError at a name that `where` does not have, or twice there.
    """
    known, position = set(class_names), dict[str, int]()
    for name in names:
        if name not in known:
            raise T2WError(f"{where} has no class {name!r}{nearest(name, class_names)}")
        if name in position:
            raise T2WError(f"class {name!r} is asked for more than once", expected="each class once")
        position[name] = len(position)
    return [position.get(name, -1) for name in class_names]


def parse_described(
    classes: str | Sequence[str] | Mapping[str, str | None], *, known: Sequence[str] | None = None
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Class names and the descriptions given with them.

    Args:
        classes: "tabby=a striped cat, espresso", where what holds a comma or an equals sign stands in double quotes; a
            sequence of names; or {"tabby": "a striped cat", "espresso": None}.
        known: see `parse_classes`.

    Returns:
        (names, {name: description}); names without one are not in the latter.

    Raises:
        T2WError: as `parse_classes`, or an empty description.
    """
    if isinstance(classes, str):
        pairs = _fields(classes)
    elif isinstance(classes, Mapping):
        pairs = list(classes.items())
    elif isinstance(classes, Iterable):
        pairs = [(name, None) for name in classes]
    else:
        raise T2WError(f"classes are {classes!r:.60}", expected='names, such as "tabby, espresso"')
    names = parse_classes([name for name, _ in pairs], known=known)
    texts = {name: text for name, (_, text) in zip(names, pairs, strict=True) if text is not None}
    for name, text in texts.items():
        check_text(text, f"the description of class {name!r}")
    return names, texts


_QUOTED = r'"((?:[^"]|"")*)"'
_FIELD = re.compile(
    rf"""\s*(?:{_QUOTED}|((?!\s*")[^,=]*))\s*"""  # a name
    rf"""(?:=\s*(?:{_QUOTED}|((?!\s*")[^,]*))\s*)?(,|$)"""  # its description
)


def _fields(classes: str) -> list[tuple[str, str | None]]:
    """(name, description or None) of each part between commas; a part that begins with a double quote ends with one."""

    def plain(quoted: str | None, bare: str | None) -> str | None:
        return " ".join(quoted.replace('""', '"').split()) if quoted is not None else bare and bare.strip()

    fields: list[tuple[str, str | None]] = []
    position, comma = 0, ","
    while comma:
        found = _FIELD.match(classes, position)
        if found is None:
            raise T2WError(
                f"the classes {classes!r:.60} cannot be read (a double quote opens and does not close)",
                expected='names like cat, "school bus, yellow", pizza',
            )
        fields.append((plain(found[1], found[2]) or "", plain(found[3], found[4])))
        position, comma = found.end(), found[5]
    return fields


def _checked(name: str, where: str) -> str:
    check_text(name, where, expected="a name between the commas")
    name = unicodedata.normalize("NFC", name.strip())
    if len(name) > MAX_NAME_LENGTH:
        raise T2WError(
            f"{where} has {len(name):,} characters: {name[:20]!r}...", expected=f"at most {MAX_NAME_LENGTH} characters"
        )
    for character in name:
        # controls, lone surrogates (what undecodable bytes become), line and paragraph separators
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
            raise T2WError(
                f"{where} holds the control character {character!r}: {name!r:.60}", expected="letters, marks and spaces"
            )
    return name


def _find(name: str, known: Sequence[str], alike: Mapping[str, Sequence[str]]) -> str:
    if name in known:
        return name
    candidates = alike.get(folded_name(name), ())
    if len(candidates) == 1:
        return candidates[0]
    shown = ", ".join(known[:12]) + (f" ... ({len(known)} in all)" if len(known) > 12 else "")
    raise T2WError(f"class {name!r} is not known{nearest(name, known)}", expected=f"one of {shown}")
