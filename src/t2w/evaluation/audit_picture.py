"""The audit as a picture: distances of weights, mistakes, classes never seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from t2w.canvas import ACCENT, INK, MUTED, SECOND, canvas, plain
from t2w.evaluation.audit import Memorisation
from t2w.evaluation.behaviour import Mistakes, UnseenShare

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_audit"]

_START: Any = {"color": SECOND, "marker": "s", "label": "start"}
_GENERATED: Any = {"color": ACCENT, "marker": "D", "label": "generated"}


def draw_audit(
    path: Path, weights: Mapping[str, Memorisation], mistakes: Mapping[str, Mistakes], unseen: Sequence[UnseenShare]
) -> None:
    """Write a PNG: a histogram per split of `weights`, then mistakes, then shares of unseen classes."""
    count = len(weights) + 2
    columns = 2 if count > 3 else count
    lines = -(-count // columns)
    with canvas(path, 4.4 * columns, 3.2 * lines) as figure:
        panels = list(figure.subplots(lines, columns, squeeze=False, gridspec_kw={"hspace": 0.45, "wspace": 0.2}).flat)
        for axes in panels[count:]:
            axes.set_axis_off()
        for axes, (split, one) in zip(panels, weights.items(), strict=False):
            _draw_distances(axes, one)
            _title(axes, split.replace("_", " "))
        _draw_mistakes(panels[count - 2], mistakes)
        _draw_unseen(panels[count - 1], unseen)
        for axes in panels[:count]:
            if axes.get_legend_handles_labels()[0]:
                axes.legend(frameon=False, fontsize=8)


def _draw_distances(axes: Axes, found: Memorisation) -> None:
    plain(axes)
    edges = np.linspace(0, float(np.quantile(np.concatenate([found.generated, found.real]), 0.99)), 50).tolist()
    axes.hist(found.real, edges, density=True, alpha=0.5, label="trained on images", color=MUTED)
    axes.hist(found.generated, edges, density=True, alpha=0.6, label="generated", color=ACCENT)
    axes.set(xlabel="distance to the nearest training weights", yticks=[])


def _draw_mistakes(axes: Axes, mistakes: Mapping[str, Mistakes]) -> None:
    plain(axes, grid="y")
    points = {
        kind: (100 * one.mean_similarity, 100 * float(one.accuracy.mean()))
        for kind, one in mistakes.items()
        if one.mean_similarity is not None
    }
    if noise := [point for kind, point in points.items() if kind.startswith("trained, noise")]:
        axes.plot(*zip(*noise, strict=True), color=MUTED, marker="o", label="trained, with noise")
    for style in (_START, _GENERATED):
        if style["label"] in points:
            axes.plot(*points[style["label"]], linestyle="", **style)
    axes.set(xlabel="mistakes shared with the trained adapter, %", ylabel="accuracy, %")
    _title(axes, "mistakes on training tasks")


def _draw_unseen(axes: Axes, unseen: Sequence[UnseenShare]) -> None:
    plain(axes, grid="y")
    shares = [100 * one.share for one in unseen]
    axes.plot(shares, [100 * one.start.mean() for one in unseen], **_START)
    axes.plot(shares, [100 * one.generated.mean() for one in unseen], **_GENERATED)
    axes.set(xlabel="share of the task's classes, %", ylabel="accuracy, %", xticks=shares)
    _title(axes, "classes never trained on")


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=9, color=INK)
