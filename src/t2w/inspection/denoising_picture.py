"""Accuracy and loss along the sampling steps, of one trajectory or of the mean over tasks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from t2w.canvas import ACCENT, INK, MUTED, SECOND, canvas, plain
from t2w.evaluation.statistics import bootstrap_mean
from t2w.inspection.denoising import Denoising

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["denoising_picture", "mean_curve"]


def mean_curve(values: Sequence[Sequence[float]]) -> tuple[list[float], list[float], list[float]]:
    """Means over tasks of values (T, S), and the ends of their 95 % bootstrap intervals."""
    found = [bootstrap_mean(np.array(column)) for column in zip(*values, strict=True)]
    return [one.mean for one in found], [one.low for one in found], [one.high for one in found]


def denoising_picture(path: str | Path, trajectories: Sequence[Denoising]) -> None:
    """Draw trajectories of the same sampler and steps; of several the mean with its interval over tasks.

    Args:
        path: the PNG file.
    """
    first = trajectories[0]
    with canvas(path, 8.2, 3.3) as figure:
        left, right = figure.subplots(1, 2, gridspec_kw={"wspace": 0.24})
        for axes, what, factor in ((left, "accuracy", 100.0), (right, "loss", 1.0)):
            noisy, predicted, start = (
                [getattr(getattr(one, part), what) for one in trajectories] for part in ("noisy", "predicted", "start")
            )
            _curve(axes, noisy, factor, SECOND, "x_t, the noisy weights", dashed=True)
            _curve(axes, predicted, factor, ACCENT, "x_0 as predicted")
            level = factor * float(np.mean(start))
            axes.axhline(level, color=MUTED, linewidth=1, linestyle=(0, (1, 2)), label=first.start_is)
            _ticks(axes, first.timesteps)
            axes.set_xlabel("timestep t, from noise (left) to clean (right)")
        left.set_ylabel("accuracy, %")
        right.set_ylabel("cross-entropy, nats")
        _room(left, least=4.0)
        _room(right, least=0.1)
        over = f", mean of {len(trajectories)} tasks with its 95 % interval" if len(trajectories) > 1 else ""
        pictures = sum(one.pictures for one in trajectories) // len(trajectories)
        title = f"{first.sampler}, {len(first.timesteps)} steps, {pictures:,} labelled pictures{over}"
        left.set_title(title, loc="left", fontsize=9, color=INK)
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, -0.04), ncols=3, frameon=False)


def _curve(
    axes: Axes, values: Sequence[Sequence[float]], factor: float, colour: str, label: str, *, dashed: bool = False
) -> None:
    mean, low, high = (factor * np.array(part) for part in mean_curve(values))
    x = np.arange(1, len(mean) + 1)
    style = (0, (4, 2)) if dashed else "-"
    if len(values) > 1 and not dashed:
        axes.fill_between(x, low, high, color=colour, alpha=0.13, linewidth=0)
    elif len(values) > 1:  # two filled bands, one over the other, could not be told apart
        for end in (low, high):
            axes.plot(x, end, color=colour, linestyle=(0, (1, 2)), linewidth=0.8)
    axes.plot(x, mean, color=colour, linestyle=style, marker="o", markersize=3, label=label)


def _ticks(axes: Axes, timesteps: Sequence[int]) -> None:
    plain(axes, grid="y")
    last = len(timesteps) - 1
    shown = range(last % (stride := last // 8 + 1), last + 1, stride)  # evenly spaced, the last among them
    axes.set_xticks([i + 1 for i in shown], [str(timesteps[i]) for i in shown])


def _room(axes: Axes, *, least: float) -> None:
    """At least so much between bottom and top: a flat curve is to look flat."""
    low, high = axes.get_ylim()
    if high - low < least:
        middle = (low + high) / 2
        axes.set_ylim(middle - least / 2, middle + least / 2)
