"""What the PNG pictures have in common: colours, letters for every alphabet, and files written whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2w.extras import needs
from t2w.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ACCENT", "INK", "LINE", "MUTED", "SECOND", "STYLE", "canvas", "plain", "short"]

# The report's light colours: ink, quiet ink, lines, the one that is looked at, the one beside it.
INK, MUTED, LINE, ACCENT, SECOND = "#1b1f27", "#5a6170", "#e1dfd8", "#0b6b62", "#a8480c"
_FONTS = ("DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "WenQuanYi Micro Hei", "Arial Unicode MS")
STYLE: Any = {
    "text.parse_math": False,  # a name may hold a dollar sign
    "font.size": 9.0,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
}


@contextmanager
def canvas(path: str | Path, width: float, height: float) -> Iterator[Figure]:
    """A figure of so many inches that is written to a PNG file at the end, cut to what is drawn."""
    with needs("a picture"):
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

    # Fonts by name: of a generic family such as sans-serif matplotlib takes the first one alone.
    fonts = {"font.family": [name for name in _FONTS if name in _fonts()]}
    with matplotlib.rc_context(STYLE | fonts), atomic_path(path) as temporary:
        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)
        yield figure
        figure.savefig(
            temporary, format="png", dpi=110, bbox_inches="tight", pad_inches=0.15, metadata={"Software": None}
        )


def plain(axes: Axes, *, grid: str | None = None) -> None:
    """No frame and no tick marks; a grid of thin lines across one axis, "x" or "y"."""
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0)
    if grid is not None:
        axes.grid(axis=grid, color=LINE, linewidth=0.7)  # type: ignore[arg-type]
        axes.set_axisbelow(True)


def short(text: str, length: int) -> str:
    """A text in at most so many characters, on one line, as it can be drawn inside `canvas`.

    Where a letter is in none of the style's fonts, another font of this machine that has it is added to them; a letter
    that no font has becomes its number, such as U+732B, because boxes would look all the same.
    """
    text = "".join(c if _drawable(c) else f"U+{ord(c):04X} " for c in " ".join(text.split())).strip()
    return text if len(text) <= length else text[: length - 1] + "…"


def _drawable(letter: str) -> bool:
    """Whether a font of the picture has the letter, perhaps one that is added to them now."""
    import matplotlib

    fonts, files = matplotlib.rcParams["font.family"], _fonts()
    if any(ord(letter) in _letters_of(files[name]) for name in fonts if name in files):
        return True
    found = next((name for name, file in files.items() if ord(letter) in _letters_of(file)), None)
    if found is not None:
        matplotlib.rcParams["font.family"] = [*fonts, found]
    return found is not None


@cache
def _fonts() -> dict[str, str]:
    """The files of this machine's fonts by name, without matplotlib's font that draws every letter as a box."""
    from matplotlib.font_manager import fontManager

    return {font.name: font.fname for font in fontManager.ttflist if not font.name.startswith("Last Resort")}


@cache
def _letters_of(file: str) -> frozenset[int]:
    from matplotlib.font_manager import get_font

    try:
        return frozenset(get_font(file).get_charmap())
    except (OSError, RuntimeError):  # a font that matplotlib cannot read has none
        return frozenset()
