"""The weight dataset's summary as facts, pictures and tables, whatever keys it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from t2w.evaluation.report.figures import Figure, Table
from t2w.evaluation.report.plots import histogram_plot, number_plot
from t2w.evaluation.report.text import finite, label, number

__all__ = ["Facts", "WeightsView", "facts", "weights_view"]


@dataclass(frozen=True)
class Facts:
    """Named values under a title ("" for none); nested values are spelled with dots."""

    title: str
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class WeightsView:
    facts: tuple[Facts, ...]
    figures: tuple[Figure, ...]


def weights_view(summary: Mapping[str, Any] | None) -> WeightsView | None:
    """Histograms ({"edges", "counts"}) and values by number become pictures, everything else facts.

    Values by number are {8: 0.91}, {8: {"mean" or "accuracy": 0.91, ...}} or a list of such rows with "classes".
    """
    if not summary:
        return None
    plain: dict[str, Any] = {}
    groups, figures = [], []
    for key, value in summary.items():
        figure = _figure(str(key), value)
        if figure is not None:
            figures.append(figure)
        elif isinstance(value, Mapping):
            rest = {}
            for inner, item in value.items():
                figure = _figure(f"{key} {inner}", item)
                if figure is None:
                    rest[inner] = item
                else:
                    figures.append(figure)
            if rest:
                groups.append(facts(_title(str(key)), rest))
        else:
            plain[str(key)] = value
    first = (facts("", plain),) if plain else ()
    return WeightsView(first + tuple(groups), tuple(figures))


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


def _figure(key: str, value: Any) -> Figure | None:
    if (
        isinstance(value, (list, tuple))
        and value
        and all(isinstance(row, Mapping) and "classes" in row for row in value)
    ):
        value = {row["classes"]: row for row in value}
    if not isinstance(value, Mapping):
        return None
    name = "weights-" + "".join(character if character.isascii() and character.isalnum() else "-" for character in key)
    words = label(key)
    if "edges" in value and "counts" in value:
        return _histogram(name, words, list(value["edges"]), list(value["counts"]))
    numeric = {int(k): v for k, v in value.items() if str(k).isdigit()}
    if len(numeric) < 2 or len(numeric) < len(value):
        return None
    means = {
        k: finite(v.get("mean", v.get("accuracy")) if isinstance(v, Mapping) else v) for k, v in sorted(numeric.items())
    }
    if all(mean is None for mean in means.values()):
        return None
    share = all(0 <= mean <= 1 for mean in means.values() if mean is not None) and "accuracy" in words
    scale = 100 if share else 1
    values = [float("nan") if mean is None else scale * mean for mean in means.values()]
    ylabel, xlabel = ("accuracy, %" if share else "value"), (words.split("by ")[-1] if "by " in words else "")
    picture = number_plot([str(k) for k in means], values, name=name, what=_title(words), xlabel=xlabel, ylabel=ylabel)
    if picture is None:
        return None
    rows = tuple((str(k), number(round(v, 2))) for k, v in zip(means, values, strict=True) if finite(v) is not None)
    how = (
        "The mean over the adapters of each size. More classes are usually harder to tell apart."
        if "class" in words
        else ""
    )
    return Figure(_title(words), how, picture, (Table("", (xlabel or "key", ylabel), rows),))


def _histogram(name: str, words: str, edges: list[Any], counts: list[Any]) -> Figure | None:
    share = "accuracy" in words and all(finite(edge) is not None and 0 <= edge <= 1 for edge in edges)
    shown = [100 * edge for edge in edges] if share else edges
    what = words.replace(" histogram", "").replace("histogram ", "")
    picture = histogram_plot(shown, counts, name=name, what=what, unit="%" if share else "")
    if picture is None:
        return None
    rows = tuple(
        (number(round(low, 4)), number(round(high, 4)), number(n))
        for low, high, n in zip(shown, shown[1:], counts, strict=False)
    )
    how = (
        "Every adapter is counted once. A long tail to the left is hard tasks, or adapters that failed to train."
        if share
        else "Every value is counted once."
    )
    return Figure(_title(what), how, picture, (Table("", ("from", "to", "count"), rows),))


def _title(text: str) -> str:
    text = label(text)
    return text[:1].upper() + text[1:]
