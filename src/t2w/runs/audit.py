"""The audit of a finished run: audit.json, audit.png, and a section of its report."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

import numpy as np

from t2w.adapters.store import WeightDataset
from t2w.errors import T2WError
from t2w.evaluation.audit import Memorisation, memorisation, text_effect
from t2w.evaluation.audit_picture import draw_audit
from t2w.evaluation.behaviour import mistakes, unseen_shares
from t2w.evaluation.report import add_audit
from t2w.evaluation.statistics import bootstrap_mean
from t2w.files import write_json
from t2w.runs.run import Run

__all__ = ["audit", "render"]

log = logging.getLogger("t2w")

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
    splits: dict[str, Any] = {}
    kept: dict[str, Memorisation] = {}
    for split in _SPLITS:
        index = [i for i, task in enumerate(tasks) if task.split == split]
        if not index:
            continue
        classes = [[position[name] for name in tasks[i].classes] for i in index]
        scores = text_effect(sampled, bench, classes, seed=run.config.seed)
        kept[split] = memorisation(sampled, bench, classes, weights.rows(index), seed=run.config.seed)
        splits[split] = {
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
    alike = mistakes(sampled, bench, seed=run.config.seed)
    unseen = unseen_shares(sampled, bench, seed=run.config.seed)
    found = {
        "splits": splits,
        "mistakes": {
            kind: {"accuracy": float(one.accuracy.mean()), "similarity": one.mean_similarity}
            for kind, one in alike.items()
        },
        "unseen_shares": [
            {
                "share": one.share,
                "generated": asdict(bootstrap_mean(one.generated)),
                "minus_start": asdict(bootstrap_mean(one.generated - one.start)),
                "distance": float(one.distance.mean()),
            }
            for one in unseen
        ],
    }
    write_json(run.folder / "audit.json", found)
    draw_audit(run.folder / "audit.png", kept, alike, unseen)
    report = run.folder / "report.html"
    if not report.exists() or not add_audit(report, found, (run.folder / "audit.png").read_bytes()):
        log.warning("%s has no place for the audit: an older version wrote it", report)
    return found


def render(found: dict[str, Any]) -> str:
    """The audit as a text."""
    lines = []
    for split, part in found["splits"].items():
        lines.append(f"{split.replace('_', ' ')} ({part['tasks']} tasks)")
        lines.append("  the generator is told      accuracy  95 % interval    minus matched  95 % interval")
        for told, row in part["text"].items():
            a, d = row["accuracy"], row["minus_matched"]
            cells = f"{100 * a['mean']:8.1f}  {100 * a['low']:6.1f} .. {100 * a['high']:5.1f}"
            against = f"{100 * d['mean']:+14.1f}  {100 * d['low']:+6.1f} .. {100 * d['high']:+6.1f}"
            lines.append(f"  {told:25}{cells}{'' if told == 'matched' else against}")
        lines.append(
            "  (shuffled: the right classes in another order; where weights are of classes, each with another's text)"
        )
        kept = part["memorisation"]
        lines.append(
            f"  weights: {100 * kept['copies']:.0f} % nearer to training weights than 5 % of real adapters are; median "
            f"distance {kept['median_distance']:.2f}, real {kept['median_distance_of_real']:.2f}; "
            f"R^2 against real {kept['explained']:.2f}"
        )
    lines.append("mistakes on training tasks             accuracy  shared with the trained adapter's")
    for kind, both in found["mistakes"].items():
        shared = "no mistakes" if both["similarity"] is None else f"{100 * both['similarity']:.0f} %"
        lines.append(f"  {kind:35}{100 * both['accuracy']:8.1f}{shared:>14}")
    lines.append("classes never trained on  accuracy  95 % interval    minus start  95 % interval    distance of texts")
    for row in found["unseen_shares"]:
        a, d = row["generated"], row["minus_start"]
        interval = f"{100 * a['low']:6.1f} .. {100 * a['high']:5.1f}"
        lines.append(
            f"  {100 * row['share']:3.0f} % of the task{100 * a['mean']:15.1f}  {interval}"
            f"{100 * d['mean']:+13.1f}  {100 * d['low']:+6.1f} .. {100 * d['high']:+5.1f}{row['distance']:15.2f}"
        )
    return "\n".join(lines)
