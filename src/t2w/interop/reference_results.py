"""The reference's result files: `<dataset>_eval_results.json`, and the losses of a training run, `<exp_name>.json`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from t2w.errors import T2WError
from t2w.files import read_json, write_text

__all__ = ["EpochLosses", "EvalBatch", "load_eval", "load_losses", "save_eval", "save_losses"]


@dataclass(frozen=True)
class EvalBatch:
    """A batch of scored tasks.

    Attributes:
        acc: mean accuracy of the generated adapters, in percent.
        loss: mean squared error between generated and trained adapters, in normalised space.
    """

    acc: float
    loss: float


@dataclass(frozen=True)
class EpochLosses:
    """The losses of an epoch, one per step.

    Attributes:
        adv_loss: the generator's adversarial loss, before the reference multiplies it by zero.
        diff_loss: the mean squared error of the predicted x_0.
        d_loss: the discriminator's.
    """

    adv_loss: tuple[float, ...]
    diff_loss: tuple[float, ...]
    d_loss: tuple[float, ...]


def load_eval(path: str | Path) -> tuple[EvalBatch, ...]:
    """Read evaluation results. Raises T2WError where the file is missing, damaged or of another form."""
    return tuple(
        EvalBatch(_number(entry["acc"], where), _number(entry["loss"], where))
        for where, entry in _entries(path, {"acc", "loss"})
    )


def save_eval(path: str | Path, batches: Iterable[EvalBatch]) -> None:
    """Write evaluation results. Raises T2WError where the file cannot be written."""
    write_text(path, json.dumps([asdict(batch) for batch in batches]))


def load_losses(path: str | Path) -> tuple[EpochLosses, ...]:
    """Read a training run's losses by epoch. Raises as `load_eval`."""
    names = ("adv_loss", "diff_loss", "d_loss")
    return tuple(
        EpochLosses(*(_numbers(entry[name], f"{where}: {name}") for name in names))
        for where, entry in _entries(path, set(names))
    )


def save_losses(path: str | Path, epochs: Sequence[EpochLosses]) -> None:
    """Write a training run's losses. Raises T2WError where the file cannot be written."""
    write_text(path, json.dumps([asdict(epoch) for epoch in epochs]))


def _entries(path: str | Path, keys: set[str]) -> list[tuple[str, dict[str, Any]]]:
    what = f"results of the reference: a list of {{{', '.join(sorted(keys))}}}"
    values = read_json(path, what=what)
    if not isinstance(values, list):
        raise T2WError(f"{path} holds {type(values).__name__}", expected=what)
    for i, value in enumerate(values):
        if not isinstance(value, dict) or not keys <= set(value):
            raise T2WError(f"{path}: entry {i} is {value!r:.60}", expected=what)
    return [(f"{path}: entry {i}", value) for i, value in enumerate(values)]


def _number(value: Any, where: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise T2WError(f"{where} has {value!r:.60}", expected="a number")
    return float(value)


def _numbers(values: Any, where: str) -> tuple[float, ...]:
    if not isinstance(values, list):
        raise T2WError(f"{where} is {values!r:.60}", expected="a list of numbers")
    return tuple(_number(value, where) for value in values)
