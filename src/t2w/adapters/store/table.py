"""A summary as text tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["render_summary"]

_BAR = 32  # columns of the longest bar


def render_summary(summary: Mapping[str, Any]) -> str:
    """The text of `Summary.to_dict()`."""
    s = summary
    lines = [
        f"{s['count']} of {s['total']} adapters in {s['folder']}",
        f"recipe {s['recipe']}, seed {s['seed']}, job {s['fingerprint']}",
        f"{s['size']} weights each, {s['bytes'] / 1e6:.1f} MB, made in {s['seconds']:.1f} s"
        f" ({s['count'] / max(s['seconds'], 1e-9):.1f} a second)",
        f"steps {s['steps'][0]} to {s['steps'][1]}, training loss {s['loss']:.3f}",
    ]
    for name, title in (("validation", "validation accuracy (held-out training images)"), ("test", "test accuracy")):
        lines += ["", *_histogram(title, s[name])]
    lines += ["", f"{'classes':>8} {'adapters':>9} {'validation':>11} {'test':>7}"]
    for row in s["by_classes"]:
        lines.append(
            f"{row['classes']:>8} {row['count']:>9} {_percent(row['validation_accuracy']):>11}"
            f" {_percent(row['test_accuracy']):>7}"
        )
    lines += ["", f"{'':<15} {'weights':^19} {'base':>8} {'differences from base':^35}"]
    lines.append(
        f"{'parameter':<15} {'mean':>9} {'std':>9} {'norm':>8} {'norm':>7} {'mean':>9} {'std':>8} {'std min..max':>17}"
    )
    for row in s["layers"]:
        low, high = row["difference_std_range"]
        lines.append(
            f"{row['name']:<15} {row['mean']:>9.5f} {row['std']:>9.5f} {row['base_norm']:>8.3f}"
            f" {row['difference_norm']:>7.3f} {row['difference_mean']:>9.5f} {row['difference_std']:>8.5f}"
            f" {f'{low:.4f}..{high:.4f}':>17}"
        )
    return "\n".join(lines) + "\n"


def _histogram(title: str, figures: Mapping[str, Any] | None) -> list[str]:
    if figures is None:
        return [f"{title}: not measured"]
    mean, low, high = (_percent(figures[key]) for key in ("mean", "lowest", "highest"))
    lines = [f"{title}: mean {mean} %, {low} to {high} % over {figures['count']} adapters"]
    counts = figures["histogram"]
    filled = [i for i, count in enumerate(counts) if count]
    for i in range(filled[0], filled[-1] + 1):
        bar = "#" * -(-_BAR * counts[i] // max(counts))
        lines.append(f"  {100 * i // len(counts):>3}-{100 * (i + 1) // len(counts):<3} % {counts[i]:>7} {bar}".rstrip())
    return lines


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
