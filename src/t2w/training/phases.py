"""The phases of a training: on weights, then, where asked for, on the task itself."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from t2w.diffusion import linear_schedule
from t2w.generator import Condition, Network
from t2w.training.adversary import Adversary
from t2w.training.inputs import Functional
from t2w.training.objectives import FunctionalObjective, Objective, WeightObjective
from t2w.training.processes import parts_of
from t2w.training.rows import WeightRows
from t2w.training.settings import TrainSettings
from t2w.training.teacher import fit_teacher

__all__ = ["Phase", "phases_of"]


class Phase(NamedTuple):
    """The step it ends before, what it minimises, and on which rows of a batch this process works."""

    end: int
    objective: Objective
    parts: list[slice]


def phases_of(
    network: Network,
    rows: WeightRows,
    condition: Condition,
    settings: TrainSettings,
    functional: Functional | None,
    accelerator: Any,
) -> tuple[Phase, ...]:
    """One or two phases; condition and rows are on the accelerator's device."""
    schedule, device = linear_schedule(network.config.timesteps), accelerator.device
    adversary = None
    if settings.adversarial:
        average = partial(accelerator.reduce, reduction="mean") if accelerator.num_processes > 1 else None
        adversary = Adversary(rows.size, device, seed=settings.seed, average=average)
    weights = WeightObjective(rows, condition, schedule, settings, gather=accelerator.gather, adversary=adversary)
    parts = parts_of(settings.batch_size, accelerator, settings.accumulate, what="batch_size")
    first = Phase(settings.steps, weights, parts)
    second = settings.functional
    if not second.steps:
        return (first,)
    assert functional is not None  # checked before
    teacher = None
    if second.teacher:  # fitted anew at every start: it takes seconds and is the same each time
        teacher = fit_teacher(functional.tasks, noise=second.feature_noise, seed=settings.seed).to(device)
    task = FunctionalObjective(
        functional.tasks, functional.text.to(device), network.spec_for, rows.normalizer, schedule, settings,
        network.config.conditioning, device, teacher,
    )  # fmt: skip
    parts = parts_of(second.batch_size, accelerator, settings.accumulate, what="functional.batch_size")
    return first, Phase(settings.total_steps, task, parts)
