"""Matplotlib figures as inline SVG that takes its colours and its font from the page.

The colours it is drawn in become CSS variables: one picture serves the light and the dark page.
Text stays text, so it can be selected, searched and read aloud.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from t2w.canvas import ACCENT, INK, LINE, MUTED, SECOND, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["canvas", "to_svg"]

_VARIABLES = {INK: "--ink", MUTED: "--muted", LINE: "--line", ACCENT: "--accent", SECOND: "--second"}
_STYLE: Any = {
    **STYLE,
    "svg.fonttype": "none",
    "font.size": 8.5,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": LINE,
    "ytick.left": False,
    "ytick.minor.left": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 4,
    "legend.frameon": False,
    **{f"axes.spines.{side}": False for side in ("top", "right", "left")},
}


@contextmanager
def canvas(*, height: float = 2.7) -> Iterator[Axes]:
    """One set of axes, 4.3 inches wide; draw and call `to_svg` inside the block."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(4.3, height), layout="constrained")
        figure.patch.set_visible(False)
        axes = figure.add_subplot()
        axes.patch.set_visible(False)
        yield axes


def to_svg(axes: Axes, *, name: str, alt: str) -> Markup:
    """The axes' figure as an `<svg>` element.

    Args:
        name: unique on the page; every id inside begins with it.
        alt: what the picture shows, for those who do not see it.
    """
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name}):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        axes.figure.savefig(buffer, format="svg", metadata=nothing)  # type: ignore[union-attr]
    found = re.search(r'viewBox="([^"]*)"[^>]*>(.*)</svg>', buffer.getvalue(), flags=re.DOTALL)
    assert found is not None
    view, body = found.groups()
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, f"var({variable})")
    words = escape(alt)
    opening = f'<svg class="plot" role="img" aria-label="{words}" viewBox="{view}">'
    return Markup(f"{opening}<title>{words}</title>{body}</svg>")
