"""The pictures of an evaluation as PNG files: who is taken for whom, and how far confidence is from accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from t2w.canvas import ACCENT, INK, MUTED, SECOND, canvas, plain, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from t2w.evaluation.statistics import Calibration

__all__ = ["confusion_picture", "draw_reliability", "reliability_picture"]

_MOST_LABELS = 250  # beyond it every label would be smaller than what can be read
_WRITTEN = 15  # up to so many classes the cells have room for their numbers
_NAME = 28  # characters of a class name


def confusion_picture(path: Path, matrix: np.ndarray, classes: Sequence[str]) -> None:
    """Draw a confusion matrix (n, n), rows the true class; the colour is the share of the row's images."""
    n = len(classes)
    totals = matrix.sum(axis=1, keepdims=True)
    share = np.divide(100 * matrix, totals, out=np.full(matrix.shape, np.nan), where=totals > 0)
    # A cell as wide as a line of its label is high, so that labels never touch; more where numbers go inside.
    cell = 0.62 if n <= _WRITTEN else 0.17 if n <= _MOST_LABELS else 12 / n
    side = n * cell
    with canvas(path, side + 1, side + 1) as figure:  # what stands around it is cut to size when it is saved
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import LinearSegmentedColormap, Normalize

        axes = figure.add_axes((0.0, 0.0, side / (side + 1), side / (side + 1)))
        most = max(10.0, float(np.ceil(np.nanmax(share) / 10) * 10))
        colours = LinearSegmentedColormap.from_list("share", ["#f6f8f7", "#8fc5bd", ACCENT, "#04342f"])
        colour = ScalarMappable(Normalize(0, most), colours.with_extremes(bad="#d9d6cd"))
        # Coloured before it is enlarged: millions of pixels, but only n x n colours.
        axes.imshow(colour.to_rgba(np.ma.masked_invalid(share), bytes=True), interpolation="nearest", aspect="equal")
        axes.set(xlabel="taken for", ylabel="class of the folder")
        if n <= _MOST_LABELS:
            _name_rows(axes, [short(name, _NAME) for name in classes])
        else:  # positions: the names stand in the JSON file
            shown = range(0, n, max(1, n // 20))
            axes.set_xticks(shown, list(map(str, shown)), fontsize=9)
            axes.set_yticks(shown, list(map(str, shown)), fontsize=9)
        if n <= _WRITTEN:
            for row, column in zip(*np.nonzero(matrix), strict=True):
                ink = "white" if share[row, column] > 0.45 * most else INK
                axes.text(column, row, f"{matrix[row, column]}", ha="center", va="center", fontsize=8.5, color=ink)
        if not totals.all():
            axes.set_title("grey: classes without an image", fontsize=9, color=MUTED, loc="left")
        plain(axes)
        axes.tick_params(labelcolor=INK)
        high = min(side, 3.5)
        place = ((side + 0.2) / (side + 1), (side - high) / (side + 1), 0.15 / (side + 1), high / (side + 1))
        bar = figure.colorbar(colour, cax=figure.add_axes(place))
        bar.set_label("images of the class, %")
        bar.outline.set_visible(False)


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    n = len(names)
    size, width = (9.0, 1.2) if n <= _WRITTEN else (7.5, 0.4)
    lying = n <= _WRITTEN and max(map(len, names)) <= 8
    axes.set_xticks(range(n), names, rotation=0 if lying else 90, fontsize=size)
    axes.set_yticks(range(n), names, fontsize=size)
    # Two collections of lines: a grid over minor ticks would take a minute for 200 classes.
    between = np.arange(n - 1) + 0.5
    axes.hlines(between, -0.5, n - 0.5, colors="white", linewidth=width)
    axes.vlines(between, -0.5, n - 0.5, colors="white", linewidth=width)


def reliability_picture(path: Path, found: Calibration) -> None:
    """Draw accuracy against confidence, bin by bin, above how many images each bin holds."""
    with canvas(path, 4.6, 5.2) as figure:
        draw_reliability(figure, found)


def draw_reliability(figure: Figure, found: Calibration) -> None:
    """The same on a matplotlib figure: confidence and accuracy both in percent, equal on the diagonal."""
    edges = 100 * np.array(found.edges)
    filled = np.flatnonzero(found.counts)
    accuracy, confidence = (100 * np.array(each, dtype=float)[filled] for each in (found.accuracy, found.confidence))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1), gridspec_kw={"hspace": 0.12})
    middles, width = (edges[:-1] + edges[1:]) / 2, 0.92 * np.diff(edges)
    above.bar(middles[filled], accuracy, width[filled], color=ACCENT, alpha=0.85, label="accuracy")
    above.plot(confidence, confidence, "o", color=SECOND, markersize=4, label="mean confidence", zorder=4)
    above.plot([0, 100], [0, 100], color=MUTED, linewidth=1, linestyle="--", zorder=3)
    above.set(ylim=(0, 104), ylabel="accuracy, %")
    above.set_title(f"expected calibration error {100 * found.error:.1f} points", fontsize=9.5, loc="left")
    above.legend(frameon=False, loc="upper left", fontsize=8.5)
    below.bar(middles, found.counts, width, color="#828da0")
    below.set(xlim=(0, 100), xlabel="confidence (probability of the chosen class), %", ylabel="images")
    for axes in (above, below):
        plain(axes, grid="y")
        axes.tick_params(labelcolor=MUTED)
        axes.spines["bottom"].set_visible(True)
