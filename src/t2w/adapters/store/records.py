"""What is known of one adapter beside its weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["AdapterRecord"]


@dataclass(frozen=True)
class AdapterRecord:
    """One adapter's record.

    Attributes:
        position: its place in the job's list of tasks, from 0.
        task_id: the task it was trained for.
        class_names: the task's classes, in the task's order.
        seed: the seed of all its random draws.
        steps: optimiser steps taken.
        loss: training loss at the end, cross-entropy in nats.
        validation_accuracy: top-1 in 0..1 on training images that were held out; None where none were.
        test_accuracy: top-1 in 0..1 on the official test images; None where not measured. It is stored apart, under
            "test", and nothing may be chosen by it.
        split: the split the task belongs to; None where the job named none.
    """

    position: int
    task_id: int
    class_names: tuple[str, ...]
    seed: int
    steps: int
    loss: float
    validation_accuracy: float | None = None
    test_accuracy: float | None = None
    split: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON: numbers that are not there are null."""
        return {
            "position": self.position,
            "task_id": self.task_id,
            "class_names": list(self.class_names),
            "split": self.split,
            "seed": self.seed,
            "steps": self.steps,
            "loss": self.loss,
            "validation_accuracy": _number(self.validation_accuracy),
            "test": {"accuracy": _number(self.test_accuracy)},
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> AdapterRecord:
        """The inverse of `to_dict`. Raises KeyError or TypeError when something is not there."""
        return cls(
            position=value["position"],
            task_id=value["task_id"],
            class_names=tuple(value["class_names"]),
            seed=value["seed"],
            steps=value["steps"],
            loss=value["loss"],
            validation_accuracy=value["validation_accuracy"],
            test_accuracy=value["test"]["accuracy"],
            split=value["split"],
        )


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
