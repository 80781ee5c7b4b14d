"""The page's charts: each a title, a picture and how to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from t2w.canvas import ACCENT, MUTED, SECOND
from t2w.evaluation.report.data import DenoisingCurve, ReportData
from t2w.evaluation.report.svg import canvas, to_svg
from t2w.evaluation.report.text import finite, number, percent, split_name

__all__ = ["Chart", "denoising_charts", "training_charts", "weight_charts"]

_LOSS = "How far the predicted clean weights are from the true ones: it falls as the generator learns."
_TASK_LOSS = (
    "Second phase: cross-entropy, on training images, of the classifiers that the generator writes for fresh tasks of "
    "seen classes."
)
_ACCURACY = (
    "Validation tasks, on training images that nothing is trained on: what the best weights are chosen by. Never test "
    "images."
)
_BASE_LOSS = (
    "Cross-entropy of the one adapter that every task starts from, on training images of all seen classes. Flat at the "
    "end means that longer training would change little."
)
_IMAGES = {"validation": "held-out training images", "test": "test images"}
_MOST_POINTS = 400  # a curve of more points looks the same and makes the page heavy
_MANY = 30  # from so many points on a training curve is smoothed; below, every point is marked


@dataclass(frozen=True)
class Chart:
    """One picture of the page; its caption tells how to read it."""

    title: str
    caption: str
    picture: Markup


def training_charts(data: ReportData) -> list[Chart]:
    """The generator's training and the base adapter's; whatever was not recorded is left out."""
    losses = data.losses
    accuracy = [(step, 100 * value) for step, value in losses.accuracy]
    base = list(enumerate(data.base_losses, start=1))
    charts = (
        _by_step("loss", "The generator learns", _LOSS, training=losses.train, validation=losses.validation),
        _by_step("task-loss", "The generator learns from the task itself", _TASK_LOSS, training=losses.task),
        _by_step("accuracy", "The generated adapters get better", _ACCURACY, validation=accuracy, unit="accuracy, %"),
        _by_step("base-loss", "The shared base adapter learns", _BASE_LOSS, training=base),
    )
    return [chart for chart in charts if chart is not None]


def _by_step(
    name: str, title: str, caption: str, *, unit: str = "loss", **given: Sequence[tuple[int, float]]
) -> Chart | None:
    """Curves of (step, value) pairs, the caption completed by exactly what is drawn; None without a number."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
    from scipy.ndimage import uniform_filter1d

    sound = {key: [pair for pair in pairs if finite(pair[1]) is not None] for key, pairs in given.items()}
    curves = {key: np.array(pairs, dtype=float).T for key, pairs in sound.items() if pairs}
    if not curves:
        return None
    said = []
    with canvas() as axes:
        for key, (steps, values) in curves.items():
            look: dict[str, Any] = {"color": ACCENT} if key == "training" else {"color": SECOND, "linestyle": "--"}
            shown, many = values, len(values) >= _MANY
            if key == "training" and many:
                shown = uniform_filter1d(values, max(len(values) // 25, 3), mode="nearest")
                axes.plot(*_thinned(steps, values), color=MUTED, linewidth=0.6, alpha=0.55)
                caption += " The thin line is as logged, the thick one its running mean."
            elif key == "validation" and unit == "loss" and len(values) > 1:
                caption += " A dashed line that turns upwards would mean learning by heart."
            axes.plot(*_thinned(steps, shown), label=key, marker=None if many else "o", **look)
            said.append(f"{key} from {number(round(shown[0], 4))} to {number(round(shown[-1], 4))}")
        every = np.concatenate([values for _, values in curves.values()])
        axes.set(xlabel="optimiser step", ylabel=unit)
        if every.min() > 0 and every.max() / every.min() > 12:
            axes.set(yscale="log", ylabel=f"{unit}, logarithmic")
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter(NullFormatter())
        elif unit == "loss" and every.min() >= 0:
            axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
        if len(curves) > 1:
            axes.legend(loc="upper right")
        return Chart(title, caption, to_svg(axes, name=name, alt=f"{title}, {unit}: {', '.join(said)}."))


def _thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_POINTS)).round().astype(int))
    return x[kept], y[kept]


def denoising_charts(curves: Sequence[DenoisingCurve]) -> list[Chart]:
    """Accuracy of the predicted x_0 at each sampling step; a curve without a number is left out."""
    measured = [curve for curve in curves if any(finite(value) is not None for value in curve.accuracy)]
    return [_denoising(curve, f"denoising-{i}") for i, curve in enumerate(measured)]


def _denoising(curve: DenoisingCurve, name: str) -> Chart:
    count = len(curve.accuracy)
    caption, axis = "Each dot is the accuracy of the weights the generator would settle for at that step.", "timestep"
    if count == 1:
        caption = "One step: the dot is the accuracy of what the generator predicts from pure noise."
    x, y, error = np.arange(count), 100 * np.array(curve.accuracy, dtype=float), None
    if len(curve.ci_low) == len(curve.ci_high) == count:
        error = np.abs(100 * np.array([curve.ci_low, curve.ci_high], dtype=float) - y)
        caption += " Its bar is the 95 % interval over tasks."
    with canvas() as axes:
        axes.errorbar(x, y, error, color=ACCENT, marker="o", elinewidth=1, label=f"generated {percent(y[-1] / 100)}")
        for (key, value), style in zip(curve.references.items(), ("--", ":", "-."), strict=False):
            axes.axhline(100 * value, color=MUTED, linewidth=1.2, linestyle=style, label=f"{key} {percent(value)}")
        shown = x[(count - 1) % (stride := (count - 1) // 10 + 1) :: stride]  # evenly spaced, the last among them
        axes.set_xticks(shown, [str(curve.timesteps[i]) for i in shown])
        axes.set_xlabel(axis if count == 1 else f"{axis}, from noise (left) to clean (right)")
        axes.set(ylabel="accuracy, %", xlim=(-0.5, count - 0.5))
        axes.margins(y=0.08)
        axes.figure.legend(loc="outside lower center", ncols=4)
        against = "".join(f", {key} {percent(value)}" for key, value in curve.references.items())
        first, last = (percent(value / 100) for value in (y[0], y[-1]))
        alt = f"Accuracy on {split_name(curve.split)} by step: {first} at the first, {last} at the last{against}."
        return Chart(split_name(curve.split).capitalize(), caption, to_svg(axes, name=name, alt=alt))


def weight_charts(summary: Mapping[str, Any]) -> list[Chart]:
    """The accuracies of a weight dataset's adapters: how they are spread, and by number of classes."""
    kinds = [kind for kind in _IMAGES if summary[kind]]
    charts = [_histogram(kind, summary[kind]) for kind in kinds]
    return [*charts, _by_classes(summary["by_classes"], kinds[0])] if kinds else charts


def _by_classes(rows: Sequence[Mapping[str, Any]], kind: str) -> Chart:
    title, known = "Accuracy by number of classes", [row for row in rows if row[f"{kind}_accuracy"] is not None]
    x, y = [row["classes"] for row in known], [100 * row[f"{kind}_accuracy"] for row in known]
    with canvas(height=2.4) as axes:
        axes.plot(x, y, color=ACCENT, marker="o")
        axes.set(xlabel="classes of the task", ylabel="mean accuracy, %")
        axes.locator_params(axis="x", integer=True, min_n_ticks=1)
        alt = f"{title}: from {y[0]:.1f} % at {x[0]} to {y[-1]:.1f} % at {x[-1]} classes."
        return Chart(title, f"Means on {_IMAGES[kind]}.", to_svg(axes, name="weights-by-classes", alt=alt))


def _histogram(kind: str, accuracies: Mapping[str, Any]) -> Chart:
    title, counts = f"Accuracy on {_IMAGES[kind]}", np.array(accuracies["histogram"])
    edges = np.linspace(0, 100, len(counts) + 1)
    first = int(np.argmax(counts > 0))  # empty bins at the low end only squeeze the others together
    edges, counts = edges[first:], counts[first:]
    with canvas(height=2.4) as axes:
        axes.stairs(counts, edges, fill=True, color=ACCENT)
        axes.set(xlabel="accuracy of an adapter, %", ylabel="adapters", xticks=edges[:: len(counts) // 10 + 1])
        peak = int(counts.argmax())
        most = f"{number(counts[peak])} of them between {number(edges[peak])} and {number(edges[peak + 1])} %"
        picture = to_svg(axes, name=f"weights-{kind}", alt=f"{title}: {number(counts.sum())} adapters, {most}.")
    mean, low, high = (percent(accuracies[key]) for key in ("mean", "lowest", "highest"))
    return Chart(title, f"{mean} on average, {low} to {high}.", picture)
