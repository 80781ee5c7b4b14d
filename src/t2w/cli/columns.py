"""Text in columns on a terminal, whatever alphabet it is written in."""

from __future__ import annotations

from unicodedata import combining, east_asian_width

__all__ = ["fit", "width_of"]


def width_of(text: str) -> int:
    """Columns that `text` takes on a terminal: Chinese, Japanese and Korean characters take two, accents none."""
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def fit(text: str, width: int, *, keep: str = "start") -> str:
    """`text` in exactly `width` columns: filled up with spaces, or cut with a mark.

    Args:
        keep: "start" of a text that is too long, or its "end" (a path's file name).
    """
    text = "".join(c if c.isprintable() else " " for c in text)  # a line break in a name would break the table
    if width_of(text) > width:
        ordered = text if keep == "start" else text[::-1]
        kept, used = "", 1
        for c in ordered:
            if used + width_of(c) > width:
                break
            kept, used = kept + c, used + width_of(c)
        text = kept + "…" if keep == "start" else "…" + kept[::-1]
    return text + " " * (width - width_of(text))
