"""The loss over a plane of weights as a filled contour, with the start and the two classifiers on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from t2w.canvas import INK, MUTED, canvas, plain
from t2w.inspection.landscape import Landscape

__all__ = ["landscape_picture"]

_LEVELS = 20
_MARKS = ("o", "*", "D")
_SIZES = (55, 170, 50)


def landscape_picture(path: str | Path, found: Landscape) -> None:
    """Draw a landscape.

    Args:
        path: the PNG file.
    """
    from matplotlib.ticker import MaxNLocator

    with canvas(path, 5.4, 4.4) as figure:
        axes = figure.subplots()
        low, high = float(found.loss.min()), float(found.loss.max())
        levels = np.linspace(low, max(high, low + 1e-6), _LEVELS + 1)
        filled = axes.contourf(found.axis, found.axis, found.loss, levels=levels, cmap="viridis_r")
        axes.contour(found.axis, found.axis, found.loss, levels=levels[1:-1], colors="white", linewidths=0.3, alpha=0.6)
        for point, mark, size in zip(found.points, _MARKS, _SIZES, strict=True):
            axes.scatter(
                point.alpha, point.beta, marker=mark, s=size, color="white", edgecolor=INK, linewidth=1.0, zorder=4,
                label=f"{point.what}: loss {point.loss:.3f}, {100 * point.accuracy:.1f} %", clip_on=False,
            )  # fmt: skip
        plain(axes)
        axes.set_aspect("equal")
        axes.set_xlabel("alpha, along A - start")
        axes.set_ylabel("beta, along B - start")
        title = f"loss on {found.pictures:,} labelled pictures; cosine of the directions {found.cosine:.2f}"
        axes.set_title(title, loc="left", fontsize=9, color=INK)
        bar = figure.colorbar(filled, ax=axes, fraction=0.046, pad=0.03, ticks=MaxNLocator(6))
        bar.set_label("cross-entropy, nats")
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0)
        legend = axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.14), frameon=False, fontsize=8.5)
        for text in legend.get_texts():
            text.set_color(MUTED)
