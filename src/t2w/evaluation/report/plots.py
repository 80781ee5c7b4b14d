"""The page's pictures: loss curves, accuracy along the denoising steps, histograms, values by number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from t2w.evaluation.report.data import DenoisingCurve, LossCurves
from t2w.evaluation.report.svg import ACCENT, INK, MUTED, SECOND, canvas, to_svg
from t2w.evaluation.report.text import finite, label, number, percent, split_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["denoising_plot", "histogram_plot", "loss_plot", "number_plot"]

_MOST_POINTS = 400  # a curve of more points looks the same and makes the page heavy


def loss_plot(curves: LossCurves, *, name: str, what: str, value: str = "loss") -> Markup | None:
    """Training loss (thin: as logged, thick: running mean) and validation loss; None when there is nothing to draw.

    Args:
        value: what the vertical axis shows. Only a loss starts at 0.
    """
    train, validation = _clean(curves.train), _clean(curves.validation)
    if len(train) == 0 and len(validation) == 0:
        return None
    from matplotlib.ticker import MaxNLocator

    said = []
    with canvas() as (figure, axes):
        if len(train):
            steps, losses = train.T
            smooth = _running_mean(losses)
            if len(train) > 20:
                axes.plot(*_thin(steps, losses), color=MUTED, linewidth=0.6, alpha=0.55)
            axes.plot(*_thin(steps, smooth), color=ACCENT, marker="o" if len(train) == 1 else None, label="training")
            said.append(f"training {value} from {number(round(losses[0], 4))} to {number(round(smooth[-1], 4))}")
        if len(validation):
            steps, losses = validation.T
            few = len(validation) <= 30
            axes.plot(
                *_thin(steps, losses),
                color=SECOND,
                linestyle=(0, (4, 2)),
                marker="o" if few else None,
                markersize=3.5,
                label="validation",
            )
            said.append(f"validation loss from {number(round(losses[0], 4))} to {number(round(losses[-1], 4))}")
        everything = np.concatenate([train[:, 1], validation[:, 1]])
        if everything.min() > 0 and everything.max() / everything.min() > 12:
            axes.set_yscale("log")
            _plain_log_ticks(axes)
        elif everything.min() >= 0 and value == "loss":
            axes.set_ylim(bottom=0)
        axes.set_xlabel("optimiser step")
        axes.set_ylabel(value)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
        if len(train) and len(validation):
            axes.legend(frameon=False, loc="upper right", fontsize=8.5)
        return to_svg(figure, name=name, alt=f"{what}: {', '.join(said)}.")


def denoising_plot(curve: DenoisingCurve, *, name: str) -> Markup | None:
    """Accuracy of the predicted x_0 at each sampling step, with reference lines; None when nothing was measured."""
    accuracy = [finite(value) for value in curve.accuracy]
    kept = [i for i, value in enumerate(accuracy) if value is not None]
    if not kept:
        return None
    y = 100 * np.array([accuracy[i] for i in kept], dtype=float)
    x = np.array(kept, dtype=float)
    with canvas() as (figure, axes):
        if len(curve.ci_low) == len(curve.ci_high) == len(accuracy):
            band = 100 * np.array([[_or_nan(curve.ci_low[i]), _or_nan(curve.ci_high[i])] for i in kept])
            sound = np.isfinite(band).all(axis=1)
            axes.fill_between(x[sound], band[sound, 0], band[sound, 1], color=ACCENT, alpha=0.2, linewidth=0)
        axes.plot(x, y, color=ACCENT, marker="o", markersize=4)
        last = len(accuracy) - 1
        marks = [("generated", float(y[-1]), ACCENT)]
        for key, value in curve.references.items():
            if (figure_of := finite(value)) is not None:
                axes.axhline(100 * figure_of, color=MUTED, linewidth=1.1, linestyle=(0, (4, 3)))
                marks.append((key, 100 * figure_of, INK))
        axes.set_xlim(-0.3, max(last, 1) + 0.25)
        _room(axes)
        _name_lines(axes, marks)
        shown = np.arange(last % (stride := last // 10 + 1), last + 1, stride)  # evenly spaced, the last among them
        axes.set_xticks(shown, [str(curve.timesteps[i]) if i < len(curve.timesteps) else "" for i in shown])
        axes.set_xlabel("timestep t, from noise (left) to clean (right)")
        axes.set_ylabel("accuracy, %")
        against = "".join(f", {key} {percent(value)}" for key, value in curve.references.items())
        alt = (
            f"Accuracy on {split_name(curve.split)} of the weights predicted at each step, from {percent(y[0] / 100)} "
            f"at the first to {percent(y[-1] / 100)} at the last{against}."
        )
        return to_svg(figure, name=name, alt=alt)


def histogram_plot(
    edges: Sequence[float], counts: Sequence[float], *, name: str, what: str, unit: str = ""
) -> Markup | None:
    """Counts (B,) between edges (B + 1,); None when they do not fit each other or are not numbers."""
    if len(edges) != len(counts) + 1 or not counts or any(finite(value) is None for value in (*edges, *counts)):
        return None
    left = np.asarray(edges, dtype=float)
    with canvas(height=2.4) as (figure, axes):
        axes.bar(left[:-1], counts, width=np.diff(left) * 0.94, align="edge", color=ACCENT, linewidth=0)
        axes.set_xlabel(f"{what}{', ' + unit if unit else ''}")
        axes.set_ylabel("count")
        peak = int(np.argmax(counts))
        mode = f"most between {number(left[peak])} and {number(left[peak + 1])}"
        alt = f"Histogram of {what}: {number(sum(counts))} values, {mode}."
        return to_svg(figure, name=name, alt=alt)


def number_plot(
    names: Sequence[str], values: Sequence[float], *, name: str, what: str, xlabel: str, ylabel: str
) -> Markup | None:
    """One value per name, as a line of dots; None when nothing is finite."""
    kept = [(key, number_) for key, value in zip(names, values, strict=True) if (number_ := finite(value)) is not None]
    if not kept:
        return None
    with canvas(height=2.4) as (figure, axes):
        x = np.arange(len(kept))
        axes.plot(x, [value for _, value in kept], color=ACCENT, marker="o", markersize=4)
        shown = np.unique(np.linspace(0, len(kept) - 1, min(len(kept), 9)).round().astype(int))
        axes.set_xticks(shown, [label(kept[i][0]) for i in shown])
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        _room(axes)
        alt = f"{what}: from {number(kept[0][1])} at {kept[0][0]} to {number(kept[-1][1])} at {kept[-1][0]}."
        return to_svg(figure, name=name, alt=alt)


def _clean(pairs: Sequence[tuple[int, float]]) -> np.ndarray:
    sound = [(step, loss) for step, loss in pairs if finite(loss) is not None]
    return np.array(sound, dtype=float).reshape(-1, 2)


def _thin(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_POINTS)).round().astype(int))
    return x[kept], y[kept]


def _running_mean(values: np.ndarray) -> np.ndarray:
    """A mean over a twenty-fifth of the curve: centred, narrower at the steep start, one-sided at the noisy end."""
    half = len(values) // 50
    total = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    begin = at - np.minimum(half, at)
    end = np.minimum(at + np.minimum(half, at), len(values) - 1) + 1
    return (total[end] - total[begin]) / (end - begin)


def _or_nan(value: float) -> float:
    figure = finite(value)
    return float("nan") if figure is None else figure


def _room(axes: Axes) -> None:
    low, high = axes.get_ylim()
    pad = max(0.04 * (high - low), 1e-6)
    axes.set_ylim(low - pad, high + pad)


def _name_lines(axes: Axes, marks: list[tuple[str, float, str]]) -> None:
    """Names at the right end of their lines, pushed apart where lines come close."""
    low, high = axes.get_ylim()
    gap = 0.075 * (high - low)
    placed = float("-inf")
    for key, at, colour in sorted(marks, key=lambda mark: mark[1]):
        placed = max(at, placed + gap)
        weight = "bold" if colour == ACCENT else "normal"
        axes.annotate(
            key,
            (1.015, placed),
            xycoords=("axes fraction", "data"),
            va="center",
            color=colour,
            fontsize=8.5,
            weight=weight,
            annotation_clip=False,
        )


def _plain_log_ticks(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
