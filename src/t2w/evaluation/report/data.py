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
    """One test image and what the generated classifier said about it.

    Attributes:
        image: uint8, (H, W) grey or (H, W, 3) RGB, 0..255; None where only features exist.
        truth: name of the image's class.
        prediction: name of the class the classifier chose.
        probability: the classifier's softmax probability of `prediction`, 0..1.
    """

    image: np.ndarray | None
    truth: str
    prediction: str
    probability: float

    @property
    def right(self) -> bool:
        return self.prediction == self.truth


@dataclass(frozen=True, eq=False)
class ExampleGrid:
    """Examples of one test task.

    Attributes:
        task_id: id of the task.
        split: split of the task, for example "unseen_combination".
        classes: names of the task's classes.
        accuracy, base_accuracy: top-1 of the generated classifier and of the base on all the task's test images, 0..1.
        examples: what is shown. Without images they become a table by class, so all test rows may be given.
    """

    task_id: int
    split: str
    classes: tuple[str, ...]
    accuracy: float
    base_accuracy: float
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
    """Accuracy of the predicted x_0 along the sampler's steps, averaged over the tasks of a split.

    Attributes:
        split: split of the tasks.
        timesteps: (S,) diffusion times in the order visited, from noise to clean.
        accuracy: (S,) mean top-1 of the x_0 predicted at each step, 0..1.
        ci_low, ci_high: (S,) ends of the 95 % interval, 0..1; empty where there is none.
        references: accuracies to compare with, by name ("base", "oracle"), 0..1.
    """

    split: str
    timesteps: tuple[int, ...]
    accuracy: tuple[float, ...]
    ci_low: tuple[float, ...] = ()
    ci_high: tuple[float, ...] = ()
    references: dict[str, float] = field(default_factory=dict)


Curve = tuple[tuple[int, float], ...]  # (step, value) pairs in order


@dataclass(frozen=True)
class LossCurves:
    """What was logged in training; any may be empty.

    Attributes:
        train: loss on weights.
        validation: the same on tasks that nothing is trained on.
        task: loss of the second phase, cross-entropy in nats.
        accuracy: of generated adapters on validation tasks and held-out training images, 0..1.
    """

    train: Curve = ()
    validation: Curve = ()
    task: Curve = ()
    accuracy: Curve = ()


@dataclass(frozen=True, eq=False)
class ReportData:
    """Everything on the page.

    Attributes:
        title: what was run, in a few words.
        command: the command line that makes this report again.
        scoreboard: the methods' scores. Its `provenance["seconds"]`, where present, is {stage: seconds}.
        losses: the generator's training.
        base_losses: (steps,) the base adapter's training loss; empty where it was not recorded.
        denoising: one curve per split, may be empty.
        grids: predictions on test images, may be empty.
        adapters: the weight dataset's summary (`t2w.adapters.store.Summary.to_dict`), None where there is none.
        config: the resolved configuration.
        tasks: any of "counts" ({split: number of tasks}), "seen_classes" and "unseen_classes" (lists of names).
    """

    title: str
    command: str
    scoreboard: Scoreboard
    losses: LossCurves = field(default_factory=LossCurves)
    base_losses: tuple[float, ...] = ()
    denoising: tuple[DenoisingCurve, ...] = ()
    grids: tuple[ExampleGrid, ...] = ()
    adapters: dict[str, Any] | None = None
    config: dict[str, Any] = field(default_factory=dict)
    tasks: dict[str, Any] = field(default_factory=dict)
