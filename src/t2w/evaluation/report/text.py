"""Numbers and names as a reader wants them. Nothing here ever prints "nan"."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["finite", "label", "number", "percent", "points", "seconds", "signed", "split_name"]

MISSING = "\u2013"
_NBSP = "\u00a0"
_MINUS = "\u2212"

_SPLITS = {
    "unseen_combination": "unseen combinations",
    "unseen_class": "unseen classes",
    "unseen_dataset": "unseen datasets",
    "train": "training tasks",
    "validation": "validation tasks",
}


def finite(value: Any) -> float | None:
    """`value` as a float; None for None, NaN, infinities and whatever is not a number."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        result = float(value)
    except (TypeError, ValueError):
        return None
    return result if math.isfinite(result) else None


def points(value: Any, *, digits: int = 1) -> str:
    """An accuracy in 0..1 in hundredths, without the sign: 0.941 -> "94.1"."""
    figure = finite(value)
    return MISSING if figure is None else f"{100 * figure + 0.0:.{digits}f}".replace("-", _MINUS)


def percent(value: Any, *, digits: int = 1) -> str:
    """0.941 -> "94.1 %"."""
    return MISSING if finite(value) is None else f"{points(value, digits=digits)}{_NBSP}%"


def signed(value: Any) -> str:
    """A difference of accuracies in points, its sign always shown: -0.021 -> "−2.1"."""
    figure = finite(value)
    if figure is None:
        return MISSING
    text = f"{100 * figure:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", _MINUS)


def number(value: Any) -> str:
    """Any number: integers with thousands, others to four significant digits."""
    figure = finite(value)
    if figure is None:
        return MISSING
    if figure == int(figure) and abs(figure) < 1e15:
        return f"{int(figure):,}".replace("-", _MINUS)
    return f"{figure:.4g}".replace("-", _MINUS)


def seconds(value: Any) -> str:
    """A duration: "0.4 s", "42 s", "3 min 20 s", "1 h 5 min"."""
    figure = finite(value)
    if figure is None:
        return MISSING
    if figure < 9.95:
        return f"{figure:.1f}{_NBSP}s"
    whole = round(figure)
    if whole < 60:
        return f"{whole}{_NBSP}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}{_NBSP}min" + (f" {rest}{_NBSP}s" if rest else "")
    hours, minutes = divmod(minutes, 60)
    return f"{hours}{_NBSP}h" + (f" {minutes}{_NBSP}min" if minutes else "")


def split_name(split: str) -> str:
    """A split as words in a sentence: "unseen_class" -> "unseen classes"."""
    return _SPLITS.get(split, label(split))


def label(key: Any) -> str:
    """A key as words: "n_embd" -> "n embd"."""
    return str(key).replace("_", " ")
