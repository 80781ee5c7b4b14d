"""The one error a user is meant to read: what was found, what was expected, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["T2WError", "T2WWarning", "first_line", "nearest"]


class T2WError(Exception):
    """A mistake the user can mend. The command line prints it as one sentence and exits with code 2.

    Args:
        found: what is wrong, with the offending value shown.
        expected: what would have been right; None where `found` already says it.
        fix: what to do next; None where that is obvious.
    """

    def __init__(self, found: str, *, expected: str | None = None, fix: str | None = None) -> None:
        self.found, self.expected, self.fix = found, expected, fix
        parts = [found]
        if expected is not None:
            parts.append(f"expected {expected}")
        if fix is not None:
            parts.append(fix)
        super().__init__("; ".join(parts))

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments are lost by the default pickling, which process pools rely on.
        return _rebuild, (type(self), self.found, self.expected, self.fix)


class T2WWarning(UserWarning):
    """Something a user wants to know although it goes on: the command line prints it as a note."""


def _rebuild(kind: type[T2WError], found: str, expected: str | None, fix: str | None) -> T2WError:
    return kind(found, expected=expected, fix=fix)


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for a mistyped name: " (did you mean 'seven'?)", or "" when nothing is near."""
    matches = get_close_matches(word, list(known), n=1)
    return f" (did you mean {matches[0]!r}?)" if matches else ""


def first_line(error: Exception) -> str:
    """The first line of what another library's error says; its class where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
