"""What a report shows. Everything is plain data: nothing here trains, samples or reads a file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from t2w.evaluation.scoreboard import Scoreboard

__all__ = ["DenoisingCurve", "Example", "ExampleGrid", "LossCurves", "ReportData"]


@dataclass(frozen=True, eq=False)
class Example:
    """One test image and what the generated classifier said about it."""

    image: np.ndarray | None  # uint8, (H, W) grey or (H, W, 3) RGB; None where only features exist
    truth: str  # name of the image's class
    prediction: str  # name of the class the classifier chose
    probability: float  # its softmax probability of `prediction`, 0..1

    @property
    def right(self) -> bool:
        return self.prediction == self.truth


@dataclass(frozen=True, eq=False)
class ExampleGrid:
    """Examples of one test task. Without images they become a table by class, so all test rows may be given."""

    task_id: int
    split: str  # for example "unseen_combination"
    classes: tuple[str, ...]  # names of the task's classes
    accuracy: float  # top-1 of the generated classifier on all the task's test images, 0..1
    base_accuracy: float  # the same of the base
    examples: tuple[Example, ...]

    @property
    def by_class(self) -> list[tuple[str, int, int, str]]:
        """(class, images told right, images, the class they were most often taken for instead), of classes with any."""
        counts = []
        for name in self.classes:
            said = Counter(example.prediction for example in self.examples if example.truth == name)
            total, right = sum(said.values()), said.pop(name, 0)
            if total:
                counts.append((name, right, total, said.most_common(1)[0][0] if said else ""))
        return counts


@dataclass(frozen=True)
class DenoisingCurve:
    """Accuracy of the predicted x_0 along the sampler's S steps, averaged over the tasks of a split."""

    split: str
    timesteps: tuple[int, ...]  # (S,) in the order visited, from noise to clean
    accuracy: tuple[float, ...]  # (S,) mean top-1 of the x_0 predicted at each step, 0..1
    ci_low: tuple[float, ...] = ()  # (S,) low ends of the 95 % interval; empty where there is none
    ci_high: tuple[float, ...] = ()  # the high ends
    # accuracies to compare with, by name ("base", "oracle"), 0..1
    references: dict[str, float] = field(default_factory=dict)


Curve = tuple[tuple[int, float], ...]  # (step, value) pairs in order


@dataclass(frozen=True)
class LossCurves:
    """What was logged in training; any may be empty."""

    train: Curve = ()  # loss on weights
    validation: Curve = ()  # the same on tasks that nothing is trained on
    task: Curve = ()  # loss of the second phase, cross-entropy in nats
    accuracy: Curve = ()  # of generated adapters on validation tasks and held-out training images, 0..1


@dataclass(frozen=True, eq=False)
class ReportData:
    """Everything on the page; what is empty is left out."""

    title: str  # what was run, in a few words
    command: str  # the command line that makes this report again
    scoreboard: Scoreboard  # its `provenance["seconds"]`, where present, is {stage: seconds}
    losses: LossCurves = field(default_factory=LossCurves)  # the generator's training
    base_losses: tuple[float, ...] = ()  # (steps,) the base adapter's training loss
    denoising: tuple[DenoisingCurve, ...] = ()  # one curve per split
    grids: tuple[ExampleGrid, ...] = ()  # predictions on test images
    adapters: dict[str, Any] | None = None  # the weight dataset's `t2w.adapters.store.Summary.to_dict()`
    config: dict[str, Any] = field(default_factory=dict)  # the resolved configuration
    # any of "counts" ({split: number of tasks}), "seen_classes" and "unseen_classes" (lists of names)
    tasks: dict[str, Any] = field(default_factory=dict)
