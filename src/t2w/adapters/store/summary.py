"""A look at a weight dataset: how accurate, how spread, and what a normaliser would make of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from statistics import fmean
from typing import Any

import torch

from t2w.adapters.store.dataset import WeightDataset
from t2w.adapters.store.vectors import Moments, blocks
from t2w.errors import T2WError

__all__ = ["render_summary", "summarise"]

_BINS = 20
_ROWS = 64  # vectors in memory at a time
_BAR = 32  # columns of the longest bar


def summarise(dataset: WeightDataset) -> dict[str, Any]:
    """Read all vectors once, a few at a time.

    Returns:
        JSON-like. Accuracies are in 0..1, or None where no adapter has one; nothing may be chosen by the test accuracy.

        - folder, fingerprint, recipe, seed: whose it is;
        - count, total: adapters here, and of the job; size: P; bytes: of all shards; seconds: spent making them;
        - loss: mean training loss in nats; steps: the smallest and the largest number of optimiser steps;
        - validation, test: {count, mean, lowest, highest, histogram}, the last in 20 equal bins of 0..1;
        - by_classes: {classes, count, validation_accuracy, test_accuracy} for each number of classes, ascending;
        - layers: for each parameter {name, shape, mean, std} over all adapters and coordinates; base_norm;
          difference_norm, difference_mean: mean norm and mean of weights - base; difference_std: root mean square of
          the coordinates' spreads, difference_std_range: their smallest and largest.

    Raises:
        T2WError: the dataset is empty, or a shard can no longer be read.
    """
    if not len(dataset):
        raise T2WError("no adapters to summarise", expected="at least one")
    records, made = dataset.records, dataset.provenance
    of_size = {
        n: [r for r in records if len(r.class_names) == n] for n in sorted({len(r.class_names) for r in records})
    }
    return {
        "folder": str(dataset.folder),
        "fingerprint": dataset.fingerprint,
        "recipe": str(made[0].get("recipe", "?")),
        "seed": int(dataset.identity["seed"]),
        "count": len(dataset),
        "total": dataset.total,
        "size": dataset.spec.size,
        "bytes": sum(path.stat().st_size for path in dataset.files),
        "seconds": float(sum(shard.get("seconds", 0.0) for shard in made)),
        "loss": fmean(record.loss for record in records),
        "steps": [min(record.steps for record in records), max(record.steps for record in records)],
        "validation": _accuracies(record.validation_accuracy for record in records),
        "test": _accuracies(record.test_accuracy for record in records),
        "by_classes": [
            {
                "classes": classes,
                "count": len(group),
                "validation_accuracy": (_accuracies(r.validation_accuracy for r in group) or {}).get("mean"),
                "test_accuracy": (_accuracies(r.test_accuracy for r in group) or {}).get("mean"),
            }
            for classes, group in of_size.items()
        ],
        "layers": _layers(dataset),
    }


def _accuracies(values: Iterable[float | None]) -> dict[str, Any] | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    # Not torch.histc: its float32 edges put 0.35 of float64 into the bin below.
    bins = [0] * _BINS
    for value in known:
        bins[min(int(value * _BINS + 1e-6), _BINS - 1)] += 1
    return {"count": len(known), "mean": fmean(known), "lowest": min(known), "highest": max(known), "histogram": bins}


def _layers(dataset: WeightDataset) -> list[dict[str, Any]]:
    layout = dataset.spec.layout
    sizes = [prod(shape) for _, shape in layout]
    base = dataset.base.to(torch.float64)
    differences, norms = Moments(), torch.zeros(len(layout), dtype=torch.float64)
    for _, vectors in blocks(dataset.mapped, _ROWS):
        difference = vectors.to(torch.float64) - base
        differences.add(difference)
        norms += torch.stack([piece.norm(dim=1).sum() for piece in difference.split(sizes, dim=1)])
    pieces = (base, differences.mean, differences.std())
    layers = []
    for (name, shape), start, mean, std, norm in zip(layout, *(p.split(sizes) for p in pieces), norms, strict=True):
        centre = start + mean  # each coordinate's mean weight
        layers.append(
            {
                "name": name,
                "shape": list(shape),
                "mean": float(centre.mean()),
                # Law of total variance: within coordinates, and between them.
                "std": float(((std**2).mean() + centre.var(correction=0)).sqrt()),
                "base_norm": float(start.norm()),
                "difference_norm": float(norm) / len(dataset),
                "difference_mean": float(mean.mean()),
                "difference_std": float((std**2).mean().sqrt()),
                "difference_std_range": [float(std.min()), float(std.max())],
            }
        )
    return layers


def render_summary(summary: Mapping[str, Any]) -> str:
    """What `summarise` found, as text tables of 80 columns."""
    s = summary
    lines = [
        f"{s['count']} of {s['total']} adapters in {s['folder']}",
        f"recipe {s['recipe']}, seed {s['seed']}, job {s['fingerprint']}",
        f"{s['size']} weights each, {s['bytes'] / 1e6:.1f} MB, made in {s['seconds']:.1f} s"
        f" ({s['count'] / max(s['seconds'], 1e-9):.1f} a second)",
        f"steps {s['steps'][0]} to {s['steps'][1]}, training loss {s['loss']:.3f}",
        *_histogram("validation accuracy (held-out training images)", s["validation"]),
        *_histogram("test accuracy", s["test"]),
        "",
        f"{'classes':>8} {'adapters':>9} {'validation':>11} {'test':>7}",
    ]
    for row in s["by_classes"]:
        validation, test = (_percent(row[f"{part}_accuracy"]) for part in ("validation", "test"))
        lines.append(f"{row['classes']:>8} {row['count']:>9} {validation:>11} {test:>7}")
    lines += [
        "",
        f"{'':<15} {'weights':^19} {'base':>8} {'differences from base':^35}",
        f"{'parameter':<15} {'mean':>9} {'std':>9} {'norm':>8} {'norm':>7} {'mean':>9} {'std':>8} {'std min..max':>17}",
    ]
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
        return ["", f"{title}: not measured"]
    mean, low, high = (_percent(figures[key]) for key in ("mean", "lowest", "highest"))
    lines = ["", f"{title}: mean {mean} %, {low} to {high} % over {figures['count']} adapters"]
    counts = figures["histogram"]
    filled = [i for i, count in enumerate(counts) if count]
    for i in range(filled[0], filled[-1] + 1):
        bar = "#" * -(-_BAR * counts[i] // max(counts))
        lines.append(f"  {100 * i // _BINS:>3}-{100 * (i + 1) // _BINS:<3} % {counts[i]:>7} {bar}".rstrip())
    return lines


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
