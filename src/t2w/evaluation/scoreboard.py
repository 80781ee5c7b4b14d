"""The scoreboard: every method on every test split, with intervals over tasks and paired differences to `generated`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from t2w.evaluation.statistics import bootstrap_mean, recovery

__all__ = ["Row", "Scoreboard", "make_scoreboard"]

REFERENCE = "generated"


@dataclass(frozen=True)
class Row:
    """One method on one split; accuracies in 0..1, means over `n_tasks` tasks with 95 % bootstrap intervals.

    Where `unit` is "images", there is one task of all classes, and means and intervals are over its images.

    `paired_difference` is this method minus `generated`, task by task; its interval excludes 0 where the two differ
    beyond what the choice of test tasks explains.
    """

    method: str
    split: str
    accuracy: float
    ci_low: float
    ci_high: float
    n_tasks: int
    paired_difference: float
    paired_ci_low: float
    paired_ci_high: float
    unit: str = "tasks"


@dataclass(frozen=True)
class Scoreboard:
    """The scoreboard.

    Attributes:
        rows: split by split, in the order shown.
        recovery: of each split that has an oracle; None where it gains nothing over base.
        provenance: where it all came from.
    """

    rows: tuple[Row, ...]
    recovery: dict[str, float | None]
    provenance: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return {"rows": [asdict(row) for row in self.rows], "recovery": self.recovery, "provenance": self.provenance}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Scoreboard:
        """The inverse of `to_dict`. Raises KeyError or TypeError where it is something else."""
        rows = tuple(Row(**row) for row in content["rows"])
        return cls(rows, dict(content["recovery"]), dict(content["provenance"]))

    def render(self) -> str:
        """The scoreboard as plain text, accuracies and differences in percent."""
        lines = []
        for split in dict.fromkeys(row.split for row in self.rows):
            rows = [row for row in self.rows if row.split == split]
            lines += [
                "",
                _title(split, rows[0], self.provenance.get("encoder_labels", {}).get(split)),
                f"  {'method':<20}{'accuracy':>9}  {'95 % interval':<16}{'minus generated':>16}  {'95 % interval':<16}",
            ]
            lines += [_line(row) for row in rows]
            if split not in self.recovery:
                continue
            share = self.recovery[split]
            lines.append(
                "  recovery: the oracle gains nothing over base"
                if share is None
                else f"  recovery: {100 * share:.0f} % of what training on the task's images gains over base"
            )
        return "\n".join(lines[1:])


def _title(split: str, row: Row, labels: str | None) -> str:
    known = "" if labels is None else f"; the encoder was trained with labels of {labels} of these classes"
    return f"{split.replace('_', ' ')} ({row.n_tasks:,} {row.unit}{known})"


def _line(row: Row) -> str:
    text = f"  {row.method:<20}{100 * row.accuracy:>8.1f}   {_interval(row.ci_low, row.ci_high, '5.1f')}"
    if row.method == REFERENCE:
        return text
    difference = _interval(row.paired_ci_low, row.paired_ci_high, "+5.1f")
    return f"{text}  {100 * row.paired_difference:>+15.1f}   {difference}"


def _interval(low: float, high: float, form: str) -> str:
    return f"{100 * low:{form}} .. {100 * high:{form}}"


def make_scoreboard(
    scores: Mapping[str, Mapping[str, np.ndarray]],
    *,
    resamples: int,
    seed: int,
    provenance: dict[str, Any],
    of_images: Collection[str] = (),
) -> Scoreboard:
    """Turn accuracies per task into rows.

    Args:
        scores: split -> method -> (T,) accuracies in 0..1; every split has "generated", and those of tasks "base" and
            "oracle".
        of_images: the splits whose values are of single images.
        resamples: bootstrap resamples.
        seed: of the bootstrap.
        provenance: stored as it is.
    """
    rows, shares = [], {}
    for split, methods in scores.items():
        for method, values in methods.items():
            own = bootstrap_mean(values, resamples=resamples, seed=seed)
            paired = bootstrap_mean(values - methods[REFERENCE], resamples=resamples, seed=seed)
            rows.append(
                Row(
                    method, split, own.mean, own.low, own.high, len(values), paired.mean, paired.low, paired.high,
                    "images" if split in of_images else "tasks",
                )
            )  # fmt: skip
        if not {"base", "oracle"} <= methods.keys():
            continue
        means = {method: float(np.mean(values)) for method, values in methods.items()}
        shares[split] = recovery(means[REFERENCE], means["base"], means["oracle"])
    return Scoreboard(tuple(rows), shares, provenance)
