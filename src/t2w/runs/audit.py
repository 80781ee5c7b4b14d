"""The audit of a finished run: audit.json and audit.png in its folder."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from t2w.adapters.store import WeightDataset
from t2w.errors import T2WError
from t2w.evaluation.audit import Memorisation, memorisation, text_effect
from t2w.evaluation.statistics import bootstrap_mean
from t2w.files import atomic_path, write_json
from t2w.runs.run import Run

__all__ = ["audit", "render"]

_SPLITS = ("unseen_combination", "unseen_class")


def audit(run: Run) -> dict[str, Any]:
    """Make the audit, write it, and return what audit.json holds.

    Raises:
        T2WError: the run is not finished.
    """
    folder = run.path("eval", "oracles")
    if not folder.exists():
        raise T2WError(
            f"{run.folder} has no trained adapters to compare with", fix=f"finish it: t2w run out={run.folder}"
        )
    bench, sampled = run.bench, run.sampled
    task_set, weights = run.task_set, WeightDataset.open(folder)
    position = {name: i for i, name in enumerate(task_set.class_names)}
    tasks = (*task_set.of("unseen_combination"), *task_set.of("unseen_class"))
    found: dict[str, Any] = {}
    kept: dict[str, Memorisation] = {}
    for split in _SPLITS:
        index = [i for i, task in enumerate(tasks) if task.split == split]
        if not index:
            continue
        classes = [[position[name] for name in tasks[i].classes] for i in index]
        scores = text_effect(sampled, bench, classes, seed=run.config.seed)
        kept[split] = memorisation(sampled, bench, classes, weights.rows(index), seed=run.config.seed)
        found[split] = {
            "tasks": len(index),
            "text": {
                told: {
                    "accuracy": asdict(bootstrap_mean(values)),
                    "minus_matched": asdict(bootstrap_mean(values - scores["matched"])),
                }
                for told, values in scores.items()
            },
            "memorisation": {
                "copies": kept[split].copies,
                "explained": kept[split].explained,
                "median_distance": float(np.median(kept[split].generated)),
                "median_distance_of_real": float(np.median(kept[split].real)),
            },
        }
    write_json(run.folder / "audit.json", found)
    with atomic_path(run.folder / "audit.png") as path:
        _plot(kept, path)
    return found


def render(found: dict[str, Any]) -> str:
    """The audit as a text."""
    lines = []
    for split, part in found.items():
        lines.append(f"{split.replace('_', ' ')} ({part['tasks']} tasks)")
        lines.append("  the generator is told      accuracy  95 % interval    minus matched  95 % interval")
        for told, row in part["text"].items():
            a, d = row["accuracy"], row["minus_matched"]
            cells = f"{100 * a['mean']:8.1f}  {100 * a['low']:6.1f} .. {100 * a['high']:5.1f}"
            against = f"{100 * d['mean']:+14.1f}  {100 * d['low']:+6.1f} .. {100 * d['high']:+6.1f}"
            lines.append(f"  {told:25}{cells}{'' if told == 'matched' else against}")
        kept = part["memorisation"]
        lines.append(
            f"  weights: {100 * kept['copies']:.0f} % nearer to training weights than 5 % of real adapters are; median "
            f"distance {kept['median_distance']:.2f}, real {kept['median_distance_of_real']:.2f}; "
            f"R^2 against real {kept['explained']:.2f}"
        )
    return "\n".join(lines)


def _plot(kept: dict[str, Memorisation], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5 * max(len(kept), 1), 3.2), layout="constrained")
    for axes, (split, one) in zip(figure.subplots(1, max(len(kept), 1), squeeze=False)[0], kept.items(), strict=False):
        edges = np.linspace(0, float(np.quantile(np.concatenate([one.generated, one.real]), 0.99)), 50)
        axes.hist(one.real, edges, density=True, alpha=0.6, label="real adapters")
        axes.hist(one.generated, edges, density=True, alpha=0.6, label="generated")
        axes.set(title=split.replace("_", " "), xlabel="distance to the nearest training weights", yticks=[])
        axes.legend()
    figure.savefig(path, dpi=130, format="png")
