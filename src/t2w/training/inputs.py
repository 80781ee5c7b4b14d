"""What goes into a training run and what comes out."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from t2w.adapters.store import Vectors
from t2w.errors import T2WError
from t2w.generator import Condition, NetworkConfig
from t2w.training.concept_tasks import ConceptTasks
from t2w.training.random_tasks import RandomTasks
from t2w.training.settings import TrainSettings
from t2w.training.validation import Validation, ValidationPoint

__all__ = ["Functional", "TrainResult", "check_fit"]


@dataclass(frozen=True, eq=False)
class Functional:
    """What the second phase needs: random tasks, and the unit text (C, text_dim) of every class."""

    tasks: RandomTasks | ConceptTasks
    text: Tensor


@dataclass(frozen=True, eq=False)
class TrainResult:
    """What a training run left."""

    weights: dict[str, Tensor]  # the chosen averaged (EMA) state of the network, on the CPU; the network holds it too
    train_losses: list[tuple[int, float]]  # (step, mean loss since the last entry); of the second phase in nats
    validation_losses: list[ValidationPoint]
    steps: int  # optimiser steps done
    first_phase_steps: int  # how many of them were on weights
    best_step: int  # the step whose weights were chosen
    seconds: float  # over all resumptions


def check_fit(
    config: NetworkConfig,
    vectors: Vectors,
    condition: Condition,
    settings: TrainSettings,
    validation: Validation | None,
    functional: Functional | None,
) -> None:
    """Raises T2WError at what does not fit together."""
    tasks, out = len(vectors), config.spec.out_features
    if len(condition) != tasks:
        raise T2WError(f"{len(condition)} conditions for {tasks} training vectors", expected="one condition each")
    if settings.batch_size > tasks:
        raise T2WError(
            f"batch_size is {settings.batch_size}", expected=f"at most {tasks}, the number of training tasks"
        )
    if settings.select != "last" and validation is None:
        raise T2WError(f"select is {settings.select!r} without validation tasks", fix="give some, or select the last")
    if settings.select == "validation_accuracy" and (validation is None or validation.accuracy is None):
        raise T2WError("select is 'validation_accuracy', but nothing measures it", fix="select validation_loss")
    if settings.functional.steps and functional is None:
        raise T2WError("the functional phase has no features to work on", expected="random tasks")
    if functional is not None and (found := functional.text.shape[1]) != out:
        raise T2WError(f"class texts of {found} numbers", expected=f"{out}, the adapters' output")
