"""The forms a noun is written in: capitals, underscores, hyphens, plurals, and near misses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterator, Mapping

__all__ = ["folded", "near_misses", "singular_forms", "sub_phrases"]

_PLURALS = (
    ("ches", "ch"), ("shes", "sh"), ("sses", "ss"), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ies", "y"),
    ("men", "man"), ("oes", "o"), ("es", "e"), ("s", ""),
)  # fmt: skip
_LETTERS = "abcdefghijklmnopqrstuvwxyz -'"
_MISSPELT_FROM = 7  # letters: shorter words are too near to too many others


def folded(name: str) -> str:
    """What two spellings of a noun have in common: composed, small letters, single spaces for underscores."""
    text = unicodedata.normalize("NFC", name).replace("_", " ").replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return " ".join(text.casefold().split())


def singular_forms(name: str, irregular: Mapping[str, str]) -> Iterator[str]:
    """A folded name, then what it may be the plural of, and both with hyphens for spaces and the other way round.

    `irregular` has the singulars of irregular plurals of one word.
    """
    *before, last = name.split(" ") or [""]
    words = [last]
    if last in irregular:
        words.append(irregular[last])
    words += [last[: -len(end)] + new for end, new in _PLURALS if last.endswith(end) and len(last) > len(end) + 1]
    for word in words:
        phrase = " ".join([*before, word])
        yield from dict.fromkeys(
            [phrase, phrase.replace("-", " "), phrase.replace(" ", "-"), re.sub("[ -]", "", phrase)]
        )


def sub_phrases(name: str) -> Iterator[list[str]]:
    """Runs of consecutive words of a folded name, the longest first: all of one length together, at most 4 words."""
    words = re.split(r"[\s,/()]+", name.strip())
    for length in range(min(len(words) - 1, 4), 0, -1):
        yield [" ".join(words[i : i + length]) for i in range(len(words) - length + 1)]


def near_misses(name: str, known: Container[str]) -> list[str]:
    """Known names one letter away: one too many, one missing, one wrong, or two exchanged. Short names have none."""
    if sum(map(str.isalpha, name)) < _MISSPELT_FROM or not name.isascii():
        return []
    cuts = [(name[:i], name[i:]) for i in range(len(name) + 1)]
    changed = [a + b[1:] for a, b in cuts if b]
    changed += [a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1]
    changed += [a + c + b[1:] for a, b in cuts if b for c in _LETTERS]
    changed += [a + c + b for a, b in cuts for c in _LETTERS]
    return [text for text in dict.fromkeys(changed) if text != name and text in known]
