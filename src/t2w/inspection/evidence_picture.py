"""A row for each class: its name, what it means, what it is known by, and the known things it is most like."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from t2w.canvas import ACCENT, INK, LINE, MUTED, SECOND, canvas, plain, short
from t2w.inspection.evidence import ClassEvidence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["evidence_picture"]

_MOST = 60  # rows: more would make a picture that nobody can look at, and evidence.json has them all
_ROW, _HEAD, _BARS = 0.62, 0.55, 3.6  # inches
_TEXT = 3.4  # inches, of the left column


def evidence_picture(path: str | Path, classes: Sequence[ClassEvidence]) -> None:
    """Draw the evidence of classes, the first 60 where there are more.

    Args:
        path: the PNG file.
    """
    shown = classes[:_MOST]
    height = _HEAD + _ROW * len(shown)
    with canvas(path, _TEXT + _BARS, height) as figure:
        axes = figure.add_axes((_TEXT / (_TEXT + _BARS), 0.0, _BARS / (_TEXT + _BARS), 1 - _HEAD / height))
        axes.set_xlim(0, 1)
        axes.set_ylim(len(shown) - 0.5, -0.5)
        plain(axes)
        axes.set_yticks([])
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0])
        axes.grid(axis="x", color=LINE, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.set_xlabel("cosine of the class's hidden unit with the row of a known thing", fontsize=8.5)
        for row, one in enumerate(shown):
            _row(axes, row, one)
        most = "" if len(shown) == len(classes) else f" (the first {_MOST} of {len(classes)}; all are in the JSON file)"
        axes.text(-_TEXT / _BARS, -0.72, f"what each class is known by{most}", fontsize=10.5, weight="bold")


def _row(axes: Axes, row: int, one: ClassEvidence) -> None:
    left = -_TEXT / _BARS
    colour = ACCENT if one.known_by.startswith("known") else SECOND if one.known_by == "map" else "#3d6f9e"
    axes.text(left, row - 0.22, short(one.name, 26), fontsize=9.5, weight="bold", va="center")
    axes.text(-0.03, row - 0.22, short(one.known_by, 30), fontsize=8.5, color=colour, va="center", ha="right")
    meaning = one.text.removeprefix(f"{one.name}: ")
    axes.text(left, row + 0.12, short(meaning, 52), fontsize=8, color=MUTED, va="center")
    if row:
        axes.plot([left, 1], [row - 0.5] * 2, color=LINE, linewidth=0.7, clip_on=False)
    step = 0.84 / max(1, len(one.nearest))
    for i, thing in enumerate(one.nearest):
        y, value = row - 0.42 + (i + 0.5) * step, max(0.0, thing.cosine)
        axes.barh(y, value, height=0.82 * step, color=_mixed(colour, 0.88 if i == 0 else 0.35))
        label = f"{short(thing.name, 30)}  {thing.cosine:.2f}"
        inside = value > 0.62
        axes.text(
            value - 0.012 if inside else value + 0.012, y, label, fontsize=7, va="center_baseline",
            ha="right" if inside else "left", color="white" if inside and i == 0 else INK,
        )  # fmt: skip


def _mixed(colour: str, share: float) -> tuple[float, ...]:
    """A colour thinned with white, which, unlike a transparent one, lets no grid through."""
    from matplotlib.colors import to_rgb

    return tuple(share * value + 1 - share for value in to_rgb(colour))
