"""The phases of a training: on weights, then, where asked for, on the task itself."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from t2w.adapters.store import Vectors
from t2w.diffusion import linear_schedule
from t2w.errors import T2WError
from t2w.generator import Condition, NetworkConfig
from t2w.training.adversary import Adversary
from t2w.training.functional import Functional, FunctionalObjective, fit_teacher
from t2w.training.objectives import Objective, WeightObjective
from t2w.training.rows import WeightRows
from t2w.training.settings import TrainSettings
from t2w.training.validation import Validation

__all__ = ["Phase", "check_fit", "parts_of", "phases_of"]


class Phase(NamedTuple):
    """The step it ends before, what it minimises, and on which rows of a batch this process works."""

    end: int
    objective: Objective
    parts: list[slice]


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


def phases_of(
    config: NetworkConfig,
    rows: WeightRows,
    condition: Condition,
    settings: TrainSettings,
    functional: Functional | None,
    accelerator: Any,
) -> tuple[WeightObjective, list[Phase]]:
    """The first phase's objective, which has a state, and one or two phases; all is on the accelerator's device."""
    schedule, device, second = linear_schedule(config.timesteps), accelerator.device, settings.functional
    weights = WeightObjective(rows, condition, schedule, settings, gather=accelerator.gather)
    if settings.adversarial:
        average = partial(accelerator.reduce, reduction="mean") if accelerator.num_processes > 1 else None
        weights.adversary = Adversary(rows.size, device, seed=settings.seed, average=average)
    phases = [Phase(settings.steps, weights, parts_of(settings.batch_size, accelerator, settings.accumulate))]
    if second.steps:
        assert functional is not None  # checked before
        teacher = None
        if second.teacher:  # fitted anew at every start: it takes seconds and is the same each time
            teacher = fit_teacher(functional.tasks, noise=second.feature_noise, seed=settings.seed).to(device)
        text = functional.text.to(device)
        task = FunctionalObjective(functional.tasks, text, config, rows.normalizer, schedule, settings, device, teacher)
        parts = parts_of(second.batch_size, accelerator, settings.accumulate, what="functional.batch_size")
        phases.append(Phase(settings.total_steps, task, parts))
    return weights, phases


def parts_of(size: int, accelerator: Any, accumulate: int, *, what: str = "batch_size") -> list[slice]:
    """The rows of a step's batch that this process works through, one slice after another.

    Raises:
        T2WError: the batch does not divide evenly.
    """
    count = accelerator.num_processes * accumulate
    if size % count:
        raise T2WError(
            f"train {what} is {size}",
            expected=f"a multiple of {accelerator.num_processes} processes x {accumulate} parts",
        )
    each, first = size // count, accelerator.process_index * accumulate
    return [slice((first + i) * each, (first + i + 1) * each) for i in range(accumulate)]
