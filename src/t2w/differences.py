"""In what two configurations differ, key by key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["described", "differences"]


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(key, old, new) of every value that differs, nested keys joined by dots; None for a key that one lacks."""
    for key in sorted(old.keys() | new.keys()):
        a, b = old.get(key), new.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            yield from differences(a, b, f"{prefix}{key}.")
        elif a != b:
            yield f"{prefix}{key}", a, b


def described(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """The same in words: "train.steps is 400 there, 300 here"."""
    return [f"{key} is {a!r} there, {b!r} here" for key, a, b in differences(there, here)]
