"""A picture with its title, how to read it, and the numbers it is drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from t2w.evaluation.report.data import DenoisingCurve, LossCurves, ReportData
from t2w.evaluation.report.plots import denoising_plot, loss_plot
from t2w.evaluation.report.text import number, points, split_name

__all__ = ["Figure", "Table", "denoising_figures", "loss_figures"]

_MOST_ROWS = 40


@dataclass(frozen=True)
class Table:
    """Numbers as text: a caption, column names, rows of the same length."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Figure:
    """One picture of the page."""

    title: str
    how: str
    picture: Markup
    tables: tuple[Table, ...]


def loss_figures(data: ReportData) -> tuple[Figure, ...]:
    """The generator's loss and the base adapter's; whatever was not recorded is left out."""
    figures = []
    if picture := loss_plot(data.losses, name="loss", what="Loss of the generator"):
        how = (
            "How far the predicted clean weights are from the true ones, falling as the generator learns. "
            "The thick line is a running mean of the thin one; "
            "a dashed line that turns upwards would mean learning by heart."
        )
        if not data.losses.validation:
            how = how.split("; a dashed")[0] + "."
        tables = tuple(
            _loss_table(kind, pairs)
            for kind, pairs in (("Training", data.losses.train), ("Validation", data.losses.validation))
            if pairs
        )
        figures.append(Figure("The generator learns", how, picture, tables))
    task = data.losses.task
    if picture := loss_plot(LossCurves(train=task), name="task-loss", what="Task loss of the generator"):
        how = (
            "Second phase: cross-entropy of the classifiers that the generator writes for fresh tasks of seen classes, "
            "on training images."
        )
        figures.append(Figure("The generator learns from the task itself", how, picture, (_loss_table("Task", task),)))
    accuracy = tuple((step, 100 * value) for step, value in data.losses.accuracy)
    if picture := loss_plot(
        LossCurves(train=accuracy), name="accuracy", what="Accuracy of generated adapters", value="accuracy, %"
    ):
        how = (
            "Validation tasks, on training images that nothing is trained on: what the best weights are chosen by. "
            "Never test images."
        )
        table = _loss_table("Accuracy, %", accuracy)
        figures.append(Figure("The generated adapters get better", how, picture, (table,)))
    base = tuple(enumerate(data.base_losses, start=1))
    if picture := loss_plot(LossCurves(train=base), name="base-loss", what="Loss of the base adapter"):
        how = (
            "Cross-entropy of the one adapter that every task starts from, trained on the images of all seen classes. "
            "Flat at the end means it is trained out."
        )
        figures.append(Figure("The shared base adapter learns", how, picture, (_loss_table("Training", base),)))
    return tuple(figures)


def denoising_figures(curves: Sequence[DenoisingCurve]) -> tuple[Figure, ...]:
    figures = []
    for position, curve in enumerate(curves):
        picture = denoising_plot(curve, name=f"denoising-{position}")
        if picture is None:
            continue
        how = "Each dot is the accuracy of the weights the generator would settle for at that step."
        if curve.ci_low and curve.ci_high:
            how += " The band is the 95 % interval over tasks."
        if curve.references:
            how += " Dashed lines are the adapters it is measured against."
        figures.append(Figure(_title(split_name(curve.split)), how, picture, (_denoising_table(curve),)))
    return tuple(figures)


def _denoising_table(curve: DenoisingCurve) -> Table:
    intervals = len(curve.ci_low) == len(curve.ci_high) == len(curve.accuracy)
    rows = []
    for i, (t, accuracy) in enumerate(zip(curve.timesteps, curve.accuracy, strict=False)):
        interval = (points(curve.ci_low[i]), points(curve.ci_high[i])) if intervals else ()
        rows.append((str(t), points(accuracy), *interval))
    columns = ("t", "accuracy, %") + (("low", "high") if intervals else ())
    references = ", ".join(f"{key} {points(value)} %" for key, value in curve.references.items())
    return Table(f"For comparison: {references}" if references else "", columns, tuple(rows))


def _loss_table(caption: str, pairs: Sequence[tuple[int, float]]) -> Table:
    """At most 40 rows, evenly spaced, first and last among them."""
    count = min(len(pairs), _MOST_ROWS)
    at = sorted({round(i * (len(pairs) - 1) / max(count - 1, 1)) for i in range(count)})
    if count < len(pairs):
        caption += f", {count} of {len(pairs):,} points"
    return Table(caption, ("step", "loss"), tuple((number(pairs[i][0]), number(pairs[i][1])) for i in at))


def _title(text: str) -> str:
    return text[:1].upper() + text[1:]
