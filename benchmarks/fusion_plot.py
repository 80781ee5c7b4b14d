"""The picture of `fusion.py`: accuracy of each method as a bar, families of adapters one below the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["plot"]

OURS, ORACLE, OTHERS = "#1f6fb4", "#2b2b2b", "#b5b9be"


def plot(results: Mapping[str, Any], path: Path, *, ours: Sequence[str], oracle: str) -> None:
    """Draw what `--json` writes: a panel per dataset, whiskers for the 95 % intervals.

    Args:
        ours: methods in blue.
        oracle: the method in black.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    families = next(iter(results.values()))
    places: dict[tuple[str, str], float] = {}
    heads: dict[str, float] = {}
    y = 0.0
    for family, methods in families.items():
        heads[family] = y
        for method in methods:
            y += 1
            places[family, method] = y
        y += 1.5
    figure = Figure(figsize=(10, 0.27 * y + 1.2), layout="constrained")
    panels = figure.subplots(1, len(results), sharey=True, squeeze=False)[0]
    for axes, (dataset, table) in zip(panels, results.items(), strict=True):
        for (family, method), place in places.items():
            value = table[family][method]["all"]
            colour = OURS if method in ours else ORACLE if method == oracle else OTHERS
            error = [[value["mean"] - value["low"]], [value["high"] - value["mean"]]]
            axes.barh(place, value["mean"], 0.74, color=colour, xerr=error, ecolor="#d9822b", capsize=2)
            axes.text(value["high"] + 1.5, place, f"{value['mean']:.1f}", va="center", fontsize=8)
        for family, place in heads.items():
            axes.text(1, place, family, va="center", fontsize=9, fontweight="bold")
        axes.set(title=dataset, xlabel="accuracy on the 16 classes, %", xlim=(0, 108))
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(list(places.values()), [method for _, method in places])
    panels[0].set_ylim(y - 0.5, -0.8)
    key = {"t2w": OURS, "trained with labels of all 16": ORACLE, "usual ways": OTHERS}
    handles = [Patch(color=colour, label=label) for label, colour in key.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(key), frameon=False)
    figure.savefig(path, dpi=130)
