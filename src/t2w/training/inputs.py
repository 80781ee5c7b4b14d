"""What goes into a training run and what comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from t2w.adapters.store import Vectors
from t2w.errors import T2WError
from t2w.generator import Condition, Network, NetworkConfig
from t2w.training.concept_tasks import ConceptTasks
from t2w.training.random_tasks import RandomTasks
from t2w.training.settings import TrainSettings

__all__ = ["Functional", "TrainResult", "Validation", "ValidationPoint", "check_fit"]


class ValidationPoint(NamedTuple):
    """Validation of the averaged weights after `step` steps.

    `loss` and `noise_loss`: squared error of validation tasks' weights in normalised space, mean over timesteps and at
    pure noise. `accuracy`: of generated adapters in 0..1; None where it is not measured.
    """

    step: int
    loss: float
    noise_loss: float
    accuracy: float | None = None


@dataclass(frozen=True, eq=False)
class Validation:
    """Tasks that nothing is trained on.

    Attributes:
        x_0: (V, P) their adapters, as trained; in the loop, normalised.
        condition: of the same tasks.
        accuracy: accuracy in 0..1 of the adapters that a network generates for them; None for none. Never on test
            images: checkpoints are chosen by it.
    """

    x_0: Tensor
    condition: Condition
    accuracy: Callable[[Network], float] | None = None


@dataclass(frozen=True, eq=False)
class Functional:
    """What the second phase needs: random tasks, and the unit text (C, text_dim) of every class."""

    tasks: RandomTasks | ConceptTasks
    text: Tensor


@dataclass(frozen=True, eq=False)
class TrainResult:
    """What a training run left.

    Attributes:
        weights: the chosen averaged (EMA) state of the network, on the CPU; the network itself holds it too.
        train_losses: (step, mean loss since the last entry); in the second phase the loss is cross-entropy in nats.
        validation_losses: one entry per validation.
        steps: optimiser steps done.
        first_phase_steps: how many of them were on weights.
        best_step: the step whose weights were chosen.
        seconds: time spent, over all resumptions.
    """

    weights: dict[str, Tensor]
    train_losses: list[tuple[int, float]]
    validation_losses: list[ValidationPoint]
    steps: int
    first_phase_steps: int
    best_step: int
    seconds: float


def check_fit(
    config: NetworkConfig,
    vectors: Vectors,
    condition: Condition,
    settings: TrainSettings,
    validation: Validation | None,
    functional: Functional | None,
) -> None:
    """Raises T2WError at what does not fit together."""
    if len(condition) != len(vectors):
        raise T2WError(
            f"{len(condition)} conditions for {len(vectors)} training vectors", expected="one condition each"
        )
    if settings.batch_size > len(vectors):
        raise T2WError(
            f"batch_size is {settings.batch_size}", expected=f"at most {len(vectors)}, the number of training tasks"
        )
    if settings.select != "last" and validation is None:
        raise T2WError(f"select is {settings.select!r} without validation tasks", fix="give some, or select the last")
    if settings.select == "validation_accuracy" and (validation is None or validation.accuracy is None):
        raise T2WError("select is 'validation_accuracy', but nothing measures it", fix="select validation_loss")
    if settings.functional.steps and functional is None:
        raise T2WError("the functional phase has no features to work on", expected="random tasks")
    if functional is not None and functional.text.shape[1] != config.spec.out_features:
        raise T2WError(
            f"class texts of {functional.text.shape[1]} numbers",
            expected=f"{config.spec.out_features}, the adapters' output",
        )
