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
        return {**vars(self), "rows": [asdict(row) for row in self.rows]}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Scoreboard:
        """The inverse of `to_dict`. Raises KeyError or TypeError where it is something else."""
        return cls(tuple(Row(**row) for row in content["rows"]), dict(content["recovery"]), dict(content["provenance"]))

    def render(self) -> str:
        """The scoreboard as plain text, accuracies and differences in percent."""
        blocks = []
        for split in dict.fromkeys(row.split for row in self.rows):
            rows = [row for row in self.rows if row.split == split]
            labels = self.provenance.get("encoder_labels", {}).get(split)
            known = "" if labels is None else f"; the encoder was trained with labels of {labels} of these classes"
            lines = [
                f"{split.replace('_', ' ')} ({rows[0].n_tasks:,} {rows[0].unit}{known})",
                f"  {'method':<20}{'accuracy':>9}  {'95 % interval':<16}{'minus generated':>16}  {'95 % interval':<16}",
                *map(_line, rows),
            ]
            if (share := self.recovery.get(split)) is not None:
                lines.append(f"  recovery: {100 * share:.0f} % of what training on the task's images gains over base")
            elif split in self.recovery:
                lines.append("  recovery: the oracle gains nothing over base")
            blocks.append("\n".join(lines))
        return "\n\n".join(blocks)


def _line(row: Row) -> str:
    text = f"  {row.method:<20}{100 * row.accuracy:>8.1f}   {_interval(row.ci_low, row.ci_high, '5.1f')}"
    if row.method == REFERENCE:
        return text
    difference = _interval(row.paired_ci_low, row.paired_ci_high, "+5.1f")
    return f"{text}  {100 * row.paired_difference:>+15.1f}   {difference}"


def _interval(low: float, high: float, form: str) -> str:
    return f"{100 * low:{form}} .. {100 * high:{form}}"


def make_scoreboard(
    scores: Mapping[str, Mapping[str, np.ndarray]], *, resamples: int, seed: int, provenance: dict[str, Any],
    of_images: Collection[str] = (),
) -> Scoreboard:  # fmt: skip
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
        unit = "images" if split in of_images else "tasks"
        for method, values in methods.items():
            own, paired = (
                bootstrap_mean(each, resamples=resamples, seed=seed) for each in (values, values - methods[REFERENCE])
            )
            intervals = (own.mean, own.low, own.high, len(values), paired.mean, paired.low, paired.high)
            rows.append(Row(method, split, *intervals, unit))
        if {"base", "oracle"} <= methods.keys():
            shares[split] = recovery(*(float(np.mean(methods[name])) for name in (REFERENCE, "base", "oracle")))
    return Scoreboard(tuple(rows), shares, provenance)
