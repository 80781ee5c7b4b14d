"""The scoreboard as the page shows it: blocks by split, rows with their bars, and the headline's sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from t2w.evaluation.report.text import finite, label, percent, points, signed, split_name

__all__ = ["Score", "SplitScores", "headline", "split_scores"]

_MEANING = {
    "chance": "1 / number of classes",
    "base": "one shared adapter for all tasks",
    "start": "the evidence alone, before the generator",
    "encoder's rows": "the encoder's own last layer",
    "map": "text-to-weights map, a linear classifier",
    "conse": "texts of what the encoder takes it for",
    "mean": "average of all training adapters",
    "nearest text": "training adapter of the nearest text",
    "ridge": "linear regression, text to weights",
    "joint wide": "one wide adapter, all seen classes",
    "linear head": "on images of all seen classes, no text",
    "text-to-prototype": "regression, text to prototypes",
    "eszsl": "a classic zero-shot learner",
    "clip zero-shot": "the encoder's own text tower",
    "noise": "training adapters plus noise",
    "gaussian": "random weights of the same spread",
    "generated": "from the class texts, no image",
    "oracle": "trained on the task's own images",
}


@dataclass(frozen=True)
class Score:
    """One method on one split; accuracies and differences in 0..1, None where not measured."""

    method: str
    accuracy: float | None
    ci_low: float | None
    ci_high: float | None
    n_tasks: int | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None

    @property
    def kind(self) -> str:
        """ "generated", "oracle", "chance" or "baseline"."""
        first = re.match(r"generated|oracle|chance", self.method.lower())
        return first.group() if first else "baseline"

    @property
    def meaning(self) -> str:
        """What the method is; "" for a method not known here."""
        name = self.method.lower().replace("_", " ")
        return _MEANING.get(name, _MEANING["noise"] if name.startswith("noise") else "")

    @property
    def interval(self) -> str:
        return _interval(points(self.ci_low), points(self.ci_high)) if self.ci_low is not None else ""

    @property
    def difference_interval(self) -> str:
        low, high = self.difference_low, self.difference_high
        return "" if low is None or high is None else _interval(signed(low), signed(high))

    @property
    def clear(self) -> bool:
        """Whether the interval of the paired difference excludes zero."""
        low, high = self.difference_low, self.difference_high
        return low is not None and high is not None and (low > 0 or high < 0)


@dataclass(frozen=True)
class SplitScores:
    """All methods on one split, in the scoreboard's order. `recovery` is a share (1 = the oracle), or None."""

    split: str
    scores: tuple[Score, ...]
    recovery: float | None

    @property
    def name(self) -> str:
        return split_name(self.split)

    @property
    def n_tasks(self) -> str:
        """The number of tasks: one figure, or the range where methods differ."""
        counts = sorted({score.n_tasks for score in self.scores if score.n_tasks is not None})
        return "" if not counts else str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"

    @property
    def generated(self) -> Score | None:
        return self._first("generated")

    @property
    def chance(self) -> float | None:
        score = self._first("chance")
        return None if score is None else score.accuracy

    @property
    def base(self) -> float | None:
        return next((score.accuracy for score in self.scores if score.method.lower() == "base"), None)

    def _first(self, kind: str) -> Score | None:
        ours = [score for score in self.scores if score.kind == kind and score.accuracy is not None]
        return next((score for score in ours if score.method.lower() == kind), ours[0] if ours else None)


def split_scores(scoreboard: dict[str, Any]) -> tuple[SplitScores, ...]:
    """The scoreboard's rows grouped by split; splits and methods keep the order of the rows."""
    rows: dict[str, list[Score]] = {}
    for row in scoreboard.get("rows") or ():
        rows.setdefault(str(row["split"]), []).append(_score(row))
    recovery = scoreboard.get("recovery") or {}
    return tuple(SplitScores(split, tuple(scores), finite(recovery.get(split))) for split, scores in rows.items())


def _score(row: dict[str, Any]) -> Score:
    paired = row.get("paired_difference")
    if isinstance(paired, dict):
        mean, low, high = paired.get("mean"), paired.get("ci_low"), paired.get("ci_high")
    else:
        mean, low, high = paired, row.get("paired_ci_low"), row.get("paired_ci_high")
    tasks = finite(row.get("n_tasks"))
    return Score(
        method=str(row["method"]),
        accuracy=finite(row.get("accuracy")),
        ci_low=finite(row.get("ci_low")),
        ci_high=finite(row.get("ci_high")),
        n_tasks=None if tasks is None else int(tasks),
        difference=finite(mean),
        difference_low=finite(low),
        difference_high=finite(high),
    )


def headline(splits: tuple[SplitScores, ...]) -> tuple[str, ...]:
    """The result in sentences, one per split: the gain first, then by name whatever generated does not beat."""
    measured = [block for block in splits if block.generated is not None]
    if not measured:
        return ("No generated classifier was scored in this run.",)
    first, *others = measured
    lead = f"Generated from words alone: {_result(first, where=f' on {first.name}')}"
    return (lead, *(f"On {block.name}: {_result(block)}" for block in others))


def _result(block: SplitScores, *, where: str = "") -> str:
    ours = block.generated
    assert ours is not None
    assert ours.accuracy is not None
    text = f"{percent(ours.accuracy)}{where}"
    if block.base is not None and ours.accuracy <= block.base:
        text += f", not above the shared base ({percent(block.base)})"
    elif block.recovery is not None:
        text += (
            f", recovering {percent(block.recovery, digits=0)} of what training on images gains over the shared base"
        )
    elif block.base is not None:
        text += f" against {percent(block.base)} for the shared base"
    return f"{text}. {_rivals(block, ours)}".rstrip()


def _rivals(block: SplitScores, ours: Score) -> str:
    assert ours.accuracy is not None
    ahead, level, behind = [], [], []
    for rival in block.scores:
        if rival.kind in ("generated", "oracle") or rival.accuracy is None:
            continue
        gap = rival.difference if rival.difference is not None else rival.accuracy - ours.accuracy
        interval = f", 95 % interval {rival.difference_interval}" if rival.difference_interval else ""
        said = f"{label(rival.method)} ({signed(gap)} points{interval})"
        decided = rival.clear or not rival.difference_interval
        if not decided or gap == 0:
            level.append(said)
        elif gap > 0:
            ahead.append(said)
        else:
            behind.append(label(rival.method))
    sentences = []
    if ahead:
        sentences.append(f"It does not beat {_listed(ahead)}.")
    if level:
        sentences.append(f"It is not told apart from {_listed(level)}.")
    if behind:
        sentences.append(f"It beats {_listed(behind)}.")
    return " ".join(sentences)


def _interval(low: str, high: str) -> str:
    return f"{low} to {high}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
