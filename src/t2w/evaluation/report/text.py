"""Numbers and names as a reader wants them. Nothing here ever prints "nan"."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

__all__ = ["facts", "finite", "label", "number", "percent", "points", "seconds", "signed", "split_name"]

_MISSING, _NBSP, _MINUS = "\u2013", "\u00a0", "\u2212"
_SPLITS = {
    "unseen_combination": "unseen combinations",
    "unseen_class": "unseen classes",
    "train": "training tasks",
    "validation": "validation tasks",
}


def finite(value: Any) -> float | None:
    """`value` as a float; None for None, NaN, infinities and whatever is not a number."""
    sound = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if sound else None


def points(value: Any, *, digits: int = 1) -> str:
    """An accuracy in 0..1 in hundredths, without the sign: 0.941 -> "94.1"."""
    found = finite(value)
    return _MISSING if found is None else f"{100 * found + 0.0:.{digits}f}".replace("-", _MINUS)


def percent(value: Any, *, digits: int = 1) -> str:
    """0.941 -> "94.1 %"."""
    return _MISSING if finite(value) is None else f"{points(value, digits=digits)}{_NBSP}%"


def signed(value: Any) -> str:
    """A difference of accuracies in points, its sign always shown: -0.021 -> "−2.1"."""
    found = finite(value)
    text = _MISSING if found is None else f"{100 * found:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", _MINUS)


def number(value: Any) -> str:
    """Any number: integers with thousands, others to four significant digits."""
    found = finite(value)
    if found is None:
        return _MISSING
    return (f"{int(found):,}" if found == int(found) else f"{found:.4g}").replace("-", _MINUS)


def seconds(value: Any) -> str:
    """A duration: "0.4 s", "42 s", "3 min 20 s", "1 h 5 min"."""
    found = finite(value)
    if found is None:
        return _MISSING
    if found < 9.95:
        return f"{found:.1f}{_NBSP}s"
    minutes, rest = divmod(round(found), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (0 if hours else rest, "s"))
    return " ".join(f"{size}{_NBSP}{unit}" for size, unit in parts if size)


def label(key: Any) -> str:
    """A key as words: "n_embd" -> "n embd"."""
    return str(key).replace("_", " ")


def split_name(split: str) -> str:
    """A split as words in a sentence: "unseen_class" -> "unseen classes"."""
    return _SPLITS.get(split, label(split))


def facts(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every leaf of a nested mapping as (name, value), both as text: names inside names are joined by a dot."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from facts(value, f"{prefix}{label(key)} · ")
        else:
            yield f"{prefix}{label(key)}", _spelled(value)


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Real):
        return number(value)
    if isinstance(value, list | tuple) and value:
        shown = ", ".join(map(_spelled, value[:8]))
        return shown if len(value) <= 8 else f"{shown}, … ({len(value):,} values)"
    return str(value) if value else "none"
