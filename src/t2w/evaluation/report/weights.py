"""The weight dataset on the page: how accurate its adapters are, and what their weights look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from t2w.evaluation.report.figures import Figure, Table
from t2w.evaluation.report.plots import histogram_plot, number_plot
from t2w.evaluation.report.text import label, number, percent, seconds

__all__ = ["Facts", "WeightsView", "facts", "weights_view"]

_KINDS = (("validation", "held-out training images"), ("test", "test images"))


@dataclass(frozen=True)
class Facts:
    """Named values under a title ("" for none); nested values are spelled with dots."""

    title: str
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class WeightsView:
    """The section's parts: the main facts, pictures with their numbers, the parameters' statistics."""

    facts: Facts
    figures: tuple[Figure, ...]
    layers: Table


def weights_view(summary: Mapping[str, Any] | None) -> WeightsView | None:
    """The section of a dataset's summary (`t2w.adapters.store.summarise`); None where there is none."""
    if not summary:
        return None
    figures = [_histogram(kind, images, summary[kind]) for kind, images in _KINDS if summary[kind]]
    by_classes = _by_classes(summary["by_classes"])
    return WeightsView(_overview(summary), tuple(f for f in (*figures, by_classes) if f), _layers(summary["layers"]))


def facts(title: str, values: Mapping[str, Any]) -> Facts:
    """Every leaf of a nested mapping, in order."""
    return Facts(title, tuple(_leaves(values)))


def _leaves(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    items = []
    for key, value in values.items():
        name = f"{prefix}{label(key)}"
        if isinstance(value, Mapping) and value:
            items += _leaves(value, f"{name} · ")
        else:
            items.append((name, _said(value)))
    return items


def _said(value: Any) -> str:
    if value is None or (isinstance(value, (Mapping, list, tuple)) and not value):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, (list, tuple)):
        shown = ", ".join(_said(item) for item in value[:8])
        return shown if len(value) <= 8 else f"{shown}, … ({len(value):,} values)"
    return str(value)


def _overview(summary: Mapping[str, Any]) -> Facts:
    fewest, most = summary["steps"]
    return Facts(
        "",
        (
            ("adapters", f"{summary['count']:,} of {summary['total']:,}"),
            ("weights each", f"{summary['size']:,}"),
            ("recipe", str(summary["recipe"])),
            ("steps", number(fewest) if fewest == most else f"{number(fewest)} to {number(most)}"),
            ("training loss", number(round(summary["loss"], 4))),
            ("made in", f"{seconds(summary['seconds'])}, {number(round(summary['bytes'] / 1e6, 1))} MB"),
            ("job", str(summary["fingerprint"])),
        ),
    )


def _histogram(kind: str, images: str, accuracies: Mapping[str, Any]) -> Figure | None:
    counts = list(accuracies["histogram"])
    edges = [100 * i / len(counts) for i in range(len(counts) + 1)]
    # Empty bins at the low end only squeeze the others together.
    first = next((i for i, count in enumerate(counts) if count), 0)
    edges, counts = edges[first:], counts[first:]
    picture = histogram_plot(edges, counts, name=f"weights-{kind}", what="accuracy of an adapter", unit="%")
    if picture is None:
        return None
    mean, low, high = (percent(accuracies[key]) for key in ("mean", "lowest", "highest"))
    rows = tuple((number(a), number(b), number(n)) for a, b, n in zip(edges, edges[1:], counts, strict=False))
    how = (
        f"On {images}: {mean} on average, {low} to {high}. A long tail to the left is hard tasks, or failed trainings."
    )
    return Figure(f"Accuracy on {images}", how, picture, (Table("", ("from %", "to %", "adapters"), rows),))


def _by_classes(rows: Sequence[Mapping[str, Any]]) -> Figure | None:
    kind = "validation_accuracy" if any(row["validation_accuracy"] is not None for row in rows) else "test_accuracy"
    known = [row for row in rows if row[kind] is not None]
    picture = number_plot(
        [str(row["classes"]) for row in known],
        [100 * row[kind] for row in known],
        name="weights-by-classes",
        what="Accuracy by number of classes",
        xlabel="classes of the task",
        ylabel="accuracy, %",
    )
    if picture is None:
        return None
    cells = tuple(
        (number(row["classes"]), number(row["count"]), _share(row["validation_accuracy"]), _share(row["test_accuracy"]))
        for row in rows
    )
    how = f"Means on {dict(_KINDS)[kind.split('_')[0]]}. More classes are harder to tell apart."
    table = Table("", ("classes", "adapters", "held-out %", "test %"), cells)
    return Figure("Accuracy by number of classes", how, picture, (table,))


def _share(value: float | None) -> str:
    return "none" if value is None else number(round(100 * value, 1))


def _layers(layers: Sequence[Mapping[str, Any]]) -> Table:
    columns = (
        "parameter",
        "shape",
        "mean",
        "std",
        "norm of base",
        "norm of change",
        "normaliser mean",
        "normaliser std",
    )
    rows = tuple(
        (
            str(layer["name"]),
            " x ".join(map(str, layer["shape"])),
            *(
                f"{layer[key]:.4f}"
                for key in ("mean", "std", "base_norm", "difference_norm", "difference_mean", "difference_std")
            ),
        )
        for layer in layers
    )
    return Table("", columns, rows)
