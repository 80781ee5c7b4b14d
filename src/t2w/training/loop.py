"""The training loop: set up, step, log, validate, save."""

from __future__ import annotations

import logging
import math
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from t2w.adapters.linear_head import LinearHead
from t2w.adapters.store import Vectors
from t2w.diffusion import linear_schedule
from t2w.generator import Condition, Network, Normalizer, UnitNormalizer
from t2w.progress import progress
from t2w.training.adversary import Adversary
from t2w.training.batches import seeded
from t2w.training.checkpoint import Checkpoints
from t2w.training.concept_tasks import ConceptTasks
from t2w.training.ema import averaged
from t2w.training.inputs import Functional, TrainResult, Validation, ValidationPoint, check_fit
from t2w.training.interrupts import delayed_interrupt
from t2w.training.losses import validation_loss
from t2w.training.objectives import FunctionalObjective, Objective, WeightObjective
from t2w.training.optimizer import adamw
from t2w.training.processes import end_processes, parts_of, start_processes
from t2w.training.resume import TrainingState, check_run, data_fingerprint, diverged
from t2w.training.rows import WeightRows
from t2w.training.settings import TrainSettings
from t2w.training.teacher import fit_teacher

__all__ = ["train_generator"]

log = logging.getLogger("t2w")

_FIRST_CHECKPOINT = 60.0  # seconds, where `checkpoint_every` steps take longer


def train_generator(
    network: Network,
    vectors: Vectors,
    condition: Condition,
    *,
    settings: TrainSettings,
    normalizer: Normalizer | UnitNormalizer | None = None,
    validation: Validation | None = None,
    functional: Functional | None = None,
    checkpoints: str | Path | None = None,
    device: torch.device | str = "cpu",
) -> TrainResult:
    """Train a network to predict clean weights; on return it holds the averaged weights.

    Args:
        network: as built, on any device.
        vectors: (T, P) training adapters, normalised where `normalizer` is None, else as trained; may be memory-mapped.
        condition: of the same T tasks.
        settings: see TrainSettings.
        normalizer: see `vectors`; the second phase needs it.
        validation: None for no validation.
        functional: what the second phase works on; needed where `settings.functional.steps` is above 0.
        checkpoints: folder of the run's checkpoints. A run that is there is continued, bitwise on a CPU; None for none.
        device: "cpu", or an accelerator.

    Raises:
        T2WError: sizes that do not fit, a batch larger than the data, numbers that are not finite in the data or in the
            loss, a checkpoint of another run, or nothing to select by.
    """
    check_fit(network, vectors, condition, settings, validation, functional, normalizer)
    store = None if checkpoints is None else Checkpoints(checkpoints, keep=settings.keep)
    run = {
        "settings": settings.to_dict(),
        "network": network.config.to_dict(),
        "data": data_fingerprint(vectors, condition),
    }
    accelerator = start_processes(device, settings, logs=store.folder / "logs" if store else None, run=run)
    place: torch.device = accelerator.device
    main = accelerator.is_main_process
    network.to(place).train()
    rows = WeightRows(network.config.spec, vectors, normalizer, place)
    if normalizer is not None:
        normalizer.to(place)
    optimizer = adamw(network, settings, place)
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: settings.rate(step) / settings.learning_rate)
    ema = averaged(network, settings.ema_decay, warmup=settings.ema_warmup)
    model, optimizer = accelerator.prepare(torch.compile(network) if settings.compile else network, optimizer)
    phases = _phases(network, rows, condition.to(place), settings, functional, normalizer, accelerator)
    if validation is not None:
        validation = Validation(validation.x_0.to(place), validation.condition.to(place), validation.accuracy)

    state = TrainingState(network, ema, optimizer, rates, phases[0].objective, accelerator.scaler)
    if store is not None and (found := store.load(device=place)) is not None:
        check_run(found[1], run, store.folder)
        state.load_state_dict(found[0], settings)
        log.info("generator: goes on after step %d of %s", state.done, store.folder)
    best, chosen = _best(state.points, settings), store.best() if store is not None else None
    began = perf_counter() - state.seconds
    first_save: float | None = perf_counter() + _FIRST_CHECKPOINT
    with (
        progress("generator", total=settings.total_steps, unit="step", initial=state.done) as bar,
        delayed_interrupt() as interrupt,
    ):
        for step in range(state.done, settings.total_steps):
            objective, parts = next((phase.objective, phase.parts) for phase in phases if step < phase.end)
            optimizer.zero_grad()
            total, figures = torch.zeros((), device=place), {}
            for i, part in enumerate(parts):
                # Mixed precision is the prepared model's own affair: losses are computed in float32.
                with (
                    seeded(place, settings.seed, step * len(parts) + i),
                    _no_sync(accelerator, model, i + 1 == len(parts)),
                ):
                    loss = objective(model, step, part)
                    accelerator.backward(loss.total / len(parts))
                total += loss.total.detach() / len(parts)
                figures = loss.figures
            norm = accelerator.clip_grad_norm_(model.parameters(), settings.clip)
            state.recent.append(float(accelerator.reduce(total, "mean")))
            if not math.isfinite(state.recent[-1] + (0.0 if settings.mixed_precision == "fp16" else float(norm))):
                raise diverged(step, store)
            optimizer.step()
            rates.step()
            ema.update_parameters(network)
            if main:
                bar.update(1, loss=state.recent[-1], **figures)

            state.done, last = step + 1, step + 1 in (settings.steps, settings.total_steps)  # the end of a phase
            if state.done % settings.log_every == 0 or last:
                loss_since = state.close_entry()
                accelerator.log({"loss": loss_since, "rate": rates.get_last_lr()[0], **figures}, step=state.done)
            improved = False
            if validation is not None and (state.done % settings.validate_every == 0 or last):
                state.points.append(_validate(state.done, cast(Network, ema.module), validation))
                logged = {k: v for k, v in state.points[-1]._asdict().items() if v is not None and k != "step"}
                accelerator.log({f"validation_{k}": v for k, v in logged.items()}, step=state.done)
                improved, best = _best(state.points, settings) != best, _best(state.points, settings)
            if improved or (best is None and state.done == settings.total_steps):
                chosen = _weights(ema.module)
            early = first_save is not None and perf_counter() > first_save
            due = state.done % settings.checkpoint_every == 0 or last or improved or interrupt.pressed or early
            if store is not None and main and due:
                state.seconds, first_save = perf_counter() - began, None
                store.save(state.done, state.state_dict(), run=run, best=best[1] if improved and best else None)
            if interrupt.pressed:
                raise KeyboardInterrupt

    end_processes(accelerator)
    accelerator.unwrap_model(model, keep_fp32_wrapper=False)  # mixed precision wraps `forward`; give it back plain
    chosen = chosen or _weights(ema.module)
    network.load_state_dict(chosen)
    network.eval()
    return TrainResult(
        chosen,
        state.train_losses,
        state.points,
        steps=state.done,
        first_phase_steps=min(state.done, settings.steps),
        best_step=best[0] if best else state.done,
        seconds=perf_counter() - began,
    )


class _Phase(NamedTuple):
    """The step it ends before, what it minimises, and on which rows of a batch this process works."""

    end: int
    objective: Objective
    parts: list[slice]


def _phases(
    network: Network,
    rows: WeightRows,
    condition: Condition,
    settings: TrainSettings,
    functional: Functional | None,
    normalizer: Normalizer | UnitNormalizer | None,
    accelerator: Any,
) -> list[_Phase]:
    schedule, device = linear_schedule(network.config.timesteps), accelerator.device
    adversary = None
    if settings.adversarial:
        average = partial(accelerator.reduce, reduction="mean") if accelerator.num_processes > 1 else None
        adversary = Adversary(rows.size, device, seed=settings.seed, average=average)
    weights = WeightObjective(rows, condition, schedule, settings, gather=accelerator.gather, adversary=adversary)
    parts = parts_of(settings.batch_size, accelerator, settings.accumulate, what="batch_size")
    phases = [_Phase(settings.steps, weights, parts)]
    if settings.functional.steps:
        assert functional is not None  # checked before
        assert normalizer is not None
        task = FunctionalObjective(
            functional.tasks, functional.text.to(device), network.spec_for, normalizer, schedule, settings,
            network.config.conditioning, device, teacher=_teacher(functional, settings, device),
        )  # fmt: skip
        size = settings.functional.batch_size
        parts = parts_of(size, accelerator, settings.accumulate, what="functional.batch_size")
        phases.append(_Phase(settings.total_steps, task, parts))
    return phases


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}


def _best(points: list[ValidationPoint], settings: TrainSettings) -> tuple[int, float] | None:
    """(step, value) of the best validation; None where the last weights are wanted or there was none yet."""
    if settings.select == "last" or not points:
        return None
    if settings.select == "validation_loss":
        return min(((p.step, p.loss) for p in points), key=lambda pair: pair[1])
    return max(((p.step, p.accuracy or 0.0) for p in points), key=lambda pair: pair[1])


def _validate(step: int, network: Network, validation: Validation) -> ValidationPoint:
    network.eval()
    schedule = linear_schedule(network.config.timesteps)
    errors = validation_loss(lambda x_t, t: network(x_t, t, validation.condition), validation.x_0, schedule)
    accuracy = None if validation.accuracy is None else validation.accuracy(network)
    return ValidationPoint(step, sum(errors) / len(errors), errors[0], accuracy)


def _teacher(functional: Functional, settings: TrainSettings, device: torch.device) -> LinearHead | None:
    """Fitted anew at every start: it takes seconds and is the same each time."""
    if not settings.functional.teacher:
        return None
    real = functional.tasks.seen if isinstance(functional.tasks, ConceptTasks) else functional.tasks
    return fit_teacher(real, noise=settings.functional.feature_noise, seed=settings.seed).to(device)


def _no_sync(accelerator: Any, model: nn.Module, last: bool) -> AbstractContextManager[None]:
    """Gradients of all processes are averaged once a step, with its last part."""
    context: AbstractContextManager[None] = nullcontext() if last else accelerator.no_sync(model)
    return context
