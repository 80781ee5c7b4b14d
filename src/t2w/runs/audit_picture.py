"""The audit as a picture: copies of weights, mistakes, classes never seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from t2w.evaluation.audit import Memorisation
from t2w.evaluation.behaviour import Mistakes, UnseenShare

__all__ = ["draw_audit"]

_PANEL = (4.6, 3.4)  # inches
_GENERATED, _OTHER = "#1f6fb4", "#8d9096"


def draw_audit(
    path: Path, weights: Mapping[str, Memorisation], mistakes: Mapping[str, Mistakes], unseen: Sequence[UnseenShare]
) -> None:
    """Write a PNG: a histogram per split of `weights`, then mistakes, then shares of unseen classes."""
    from matplotlib.figure import Figure

    count = len(weights) + 2
    columns = 2 if count > 3 else count
    lines = -(-count // columns)
    figure = Figure(figsize=(_PANEL[0] * columns, _PANEL[1] * lines), layout="constrained")
    panels = list(figure.subplots(lines, columns, squeeze=False).flat)
    for axes in panels[count:]:
        axes.set_axis_off()
    for axes, (split, one) in zip(panels, weights.items(), strict=False):
        edges = np.linspace(0, float(np.quantile(np.concatenate([one.generated, one.real]), 0.99)), 50)
        axes.hist(one.real, edges, density=True, alpha=0.6, label="trained on images", color=_OTHER)
        axes.hist(one.generated, edges, density=True, alpha=0.6, label="generated", color=_GENERATED)
        axes.set(title=split.replace("_", " "), xlabel="distance to the nearest training weights", yticks=[])
        axes.legend()
    _draw_mistakes(panels[len(weights)], mistakes)
    _draw_unseen(panels[len(weights) + 1], unseen)
    figure.savefig(path, dpi=130, format="png")


def _draw_mistakes(axes: object, mistakes: Mapping[str, Mistakes]) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    points = {
        kind: (one.mean_similarity, 100 * float(one.accuracy.mean()))
        for kind, one in mistakes.items()
        if one.mean_similarity is not None
    }
    noise = [point for kind, point in points.items() if "noise" in kind and kind.startswith("trained")]
    if noise:
        axes.plot(*zip(*noise, strict=True), color=_OTHER, marker="o", label="trained, with noise")
    for kind, marker in [(kind, marker) for kind, marker in (("start", "s"), ("generated", "D")) if kind in points]:
        axes.plot(
            *points[kind],
            marker=marker,
            linestyle="",
            color=_GENERATED if kind == "generated" else "#b5541c",
            label=kind,
        )
    axes.set(
        title="mistakes on training tasks", ylabel="accuracy, %",
        xlabel="mistakes shared with the trained adapter",
    )  # fmt: skip
    axes.grid(alpha=0.3)
    if points:
        axes.legend()


def _draw_unseen(axes: object, unseen: Sequence[UnseenShare]) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    shares = [100 * one.share for one in unseen]
    for name, marker, color in (("start", "s", "#b5541c"), ("generated", "D", _GENERATED)):
        axes.plot(shares, [100 * getattr(one, name).mean() for one in unseen], marker=marker, color=color, label=name)
    axes.set(
        title="classes never trained on", xlabel="share of the task's classes, %", ylabel="accuracy, %", xticks=shares
    )
    axes.grid(alpha=0.3)
    axes.legend()
