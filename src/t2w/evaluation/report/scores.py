"""The scoreboard as the page shows it: one block per split, and the headline's sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass

from t2w.evaluation.report.text import label, number, percent, signed, split_name
from t2w.evaluation.scoreboard import REFERENCE, Row, Scoreboard

__all__ = ["Block", "blocks", "clear", "headline", "kind", "meaning"]

_MEANING = {
    "chance": "1 / number of classes",
    "base": "one shared adapter for all tasks",
    "start": "the evidence alone, before the generator",
    "encoder's rows": "the encoder's own last layer",
    "map": "text-to-weights map, a linear classifier",
    "conse": "texts of what the encoder takes it for",
    "mean": "average of all training adapters",
    "nearest text": "training adapter of the nearest text",
    "noise": "training adapters plus noise",
    "gaussian": "random weights of the same spread",
    "ridge": "linear regression, text to weights",
    "joint wide": "one wide adapter, all seen classes",
    "linear head": "on images of all seen classes, no text",
    "text-to-prototype": "regression, text to prototypes",
    "eszsl": "a classic zero-shot learner",
    "clip zero-shot": "the encoder's own text tower",
    "generated": "from the class texts, no image",
    "oracle": "trained on the task's own images",
}


@dataclass(frozen=True)
class Block:
    """All methods on one split, in the scoreboard's order; `recovery` as in the scoreboard, None where it has none."""

    split: str
    rows: tuple[Row, ...]
    recovery: float | None

    @property
    def size(self) -> str:
        """What the intervals are over: "64 tasks" or "1,600 images"."""
        row = self.rows[0]
        return f"{number(row.n_tasks)} {row.unit[:-1] if row.n_tasks == 1 else row.unit}"

    def accuracy(self, method: str) -> float | None:
        return next((row.accuracy for row in self.rows if row.method == method), None)


def blocks(scoreboard: Scoreboard) -> list[Block]:
    """The scoreboard's rows grouped by split; splits and methods keep the order of the rows."""
    rows: dict[str, list[Row]] = {}
    for row in scoreboard.rows:
        rows.setdefault(row.split, []).append(row)
    return [Block(split, tuple(found), scoreboard.recovery.get(split)) for split, found in rows.items()]


def kind(method: str) -> str:
    """ "generated" (with its variants), "oracle", "chance" or "baseline"."""
    found = re.match(r"generated|oracle|chance", method)
    return found.group() if found else "baseline"


def meaning(method: str) -> str:
    """What a method is; "" for one not known here. Variants have a number behind the name: "noise 0.5"."""
    return _MEANING.get(re.sub(r" [\d.]+$", "", label(method).lower()), "")


def clear(row: Row) -> bool:
    """Whether the interval of the paired difference leaves out zero."""
    return row.paired_ci_low > 0 or row.paired_ci_high < 0


def headline(found: list[Block]) -> list[str]:
    """The result in sentences, one per split: the gain first, then by name whatever generated does not beat."""
    measured = [block for block in found if block.accuracy(REFERENCE) is not None]
    if not measured:
        return ["No generated classifier was scored in this run."]
    first, *others = measured
    return [
        f"Generated from words alone: {percent(first.accuracy(REFERENCE))} on {split_name(first.split)}{_gain(first)}",
        *(f"On {split_name(block.split)}: {percent(block.accuracy(REFERENCE))}{_gain(block)}" for block in others),
    ]


def _gain(block: Block) -> str:
    """How the sentence on a split goes on after the accuracy."""
    ours, base, text = block.accuracy(REFERENCE), block.accuracy("base"), ""
    if ours is not None and base is not None and ours <= base:
        text = f", not above the shared base ({percent(base)})"
    elif block.recovery is not None:
        share = percent(block.recovery, digits=0)
        text = f", recovering {share} of what training on images gains over the shared base"
    elif base is not None:
        text = f" against {percent(base)} for the shared base"
    return f"{text}. {_rivals(block)}".rstrip()


def _rivals(block: Block) -> str:
    ahead, level, behind = [], [], []
    for row in block.rows:
        if kind(row.method) in ("generated", "oracle"):
            continue
        interval = f"{signed(row.paired_ci_low)} to {signed(row.paired_ci_high)}"
        said = f"{label(row.method)} ({signed(row.paired_difference)} points, 95 % interval {interval})"
        if not clear(row):
            level.append(said)
        elif row.paired_difference > 0:
            ahead.append(said)
        else:
            behind.append(label(row.method))
    sentences = (("does not beat", ahead), ("is not told apart from", level), ("beats", behind))
    return " ".join(f"It {verb} {_listed(names)}." for verb, names in sentences if names)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
