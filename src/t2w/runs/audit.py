"""The audit of a finished run: audit.json, audit.png, and a section of its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from t2w.errors import T2WError
from t2w.evaluation.audit import memorisation, text_effect
from t2w.evaluation.audit_picture import draw_audit
from t2w.evaluation.behaviour import mistakes, unseen_shares
from t2w.evaluation.report import add_audit
from t2w.evaluation.statistics import bootstrap_mean
from t2w.files import write_json
from t2w.runs.run import Run

__all__ = ["audit", "render"]


def audit(run: Run) -> dict[str, Any]:
    """Make the audit, write it, and return what audit.json holds.

    Raises:
        T2WError: the run is not finished.
    """
    if not run.oracles.exists():
        raise T2WError(
            f"{run.folder} has no trained adapters to compare with", fix=f"finish it: t2w run out={run.folder}"
        )
    bench, sampled, seed = run.bench, run.sampled, run.config.seed
    splits, kept = {}, {}
    for split in run.test_splits:
        scores = text_effect(sampled, bench, split.tasks, seed=seed)
        kept[split.name] = one = memorisation(sampled, bench, split.tasks, split.oracles, seed=seed)
        splits[split.name] = {
            "tasks": len(split.tasks),
            "text": {
                told: {"accuracy": _interval(values), "minus_matched": _interval(values - scores["matched"])}
                for told, values in scores.items()
            },
            "memorisation": {
                "copies": one.copies,
                "explained": one.explained,
                "median_distance": float(np.median(one.generated)),
                "median_distance_of_real": float(np.median(one.real)),
            },
        }
    alike = mistakes(sampled, bench, seed=seed)
    unseen = unseen_shares(sampled, bench, seed=seed)
    found = {
        "splits": splits,
        "mistakes": {
            kind: {"accuracy": float(one.accuracy.mean()), "similarity": one.mean_similarity}
            for kind, one in alike.items()
        },
        "unseen_shares": [
            {
                "share": one.share,
                "generated": _interval(one.generated),
                "minus_start": _interval(one.generated - one.start),
                "distance": float(one.distance.mean()),
            }
            for one in unseen
        ],
    }
    write_json(run.path("audit.json"), found)
    draw_audit(run.path("audit.png"), kept, alike, unseen)
    if (report := run.path("report.html")).exists():
        add_audit(report, found, run.path("audit.png").read_bytes())
    return found


def _interval(values: np.ndarray) -> dict[str, float]:
    return asdict(bootstrap_mean(values))


def render(found: Mapping[str, Any]) -> str:
    """The audit as a text."""
    lines = []
    for split, part in found["splits"].items():
        lines.append(f"{split.replace('_', ' ')} ({part['tasks']} tasks)")
        lines.append("  the generator is told      accuracy  95 % interval    minus matched  95 % interval")
        for told, row in part["text"].items():
            against = "" if told == "matched" else _cells(row["minus_matched"], "+14.1f", "+6.1f")
            lines.append(f"  {told:25}{_cells(row['accuracy'], '8.1f', '5.1f')}{against}")
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
        cells = _cells(row["generated"], "15.1f", "5.1f") + _cells(row["minus_start"], "+13.1f", "+6.1f")
        lines.append(f"  {100 * row['share']:3.0f} % of the task{cells}{row['distance']:15.2f}")
    return "\n".join(lines)


def _cells(row: Mapping[str, float], mean: str, high: str) -> str:
    """A mean and its interval in percent, in these formats."""
    low = f"{100 * row['low']:{'+' if '+' in high else ''}6.1f}"
    return f"{100 * row['mean']:{mean}}  {low} .. {100 * row['high']:{high}}"
