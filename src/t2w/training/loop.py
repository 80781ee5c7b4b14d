"""The training loop: set up, step, log, validate, save."""

from __future__ import annotations

import logging
import math
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, cast

import torch
from torch import nn

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
from t2w.training.inputs import Functional, TrainResult, Validation, ValidationPoint, check_inputs
from t2w.training.losses import validation_loss
from t2w.training.objectives import FunctionalObjective, Objective, WeightObjective
from t2w.training.optimizer import adamw, apply_rates
from t2w.training.processes import end_processes, parts_of, start_processes
from t2w.training.resume import check_run, data_print, diverged
from t2w.training.rows import WeightRows
from t2w.training.settings import TrainSettings
from t2w.training.teacher import fit_teacher

__all__ = ["train_generator"]

log = logging.getLogger("t2w")


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
    check_inputs(network, vectors, condition, settings, validation, functional, normalizer)
    store = None if checkpoints is None else Checkpoints(checkpoints, keep=settings.keep)
    run = {"settings": settings.to_dict(), "network": network.config.to_dict(), "data": data_print(vectors, condition)}
    accelerator = start_processes(device, settings, logs=store.folder / "logs" if store else None, run=run)
    schedule = linear_schedule(network.config.timesteps)
    network.to(accelerator.device).train()
    rows = WeightRows(network.config.spec, vectors, normalizer, accelerator.device)
    if normalizer is not None:
        normalizer.to(accelerator.device)
    optimizer = adamw(network, settings, accelerator.device)
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: settings.rate(step) / settings.learning_rate)
    ema = averaged(network, settings.ema_decay, warmup=settings.ema_warmup)
    model, optimizer = accelerator.prepare(torch.compile(network) if settings.compile else network, optimizer)
    first = WeightObjective(
        rows, condition.to(accelerator.device), schedule, settings, gather=accelerator.gather,
        adversary=_adversary(rows.size, accelerator, settings),
    )  # fmt: skip
    phases: list[tuple[int, Objective, list[slice]]] = [  # the step each ends before, what it minimises, on which rows
        (settings.steps, first, parts_of(settings.batch_size, accelerator, settings.accumulate, what="batch_size"))
    ]
    if settings.functional.steps:
        assert functional is not None  # checked above
        assert normalizer is not None
        second = FunctionalObjective(
            functional.fresh, functional.text.to(accelerator.device), network.spec_for, normalizer, schedule,
            settings, network.config.conditioning, accelerator.device,
            teacher=_teacher(functional, settings, accelerator.device),
        )  # fmt: skip
        size = settings.functional.batch_size
        parts = parts_of(size, accelerator, settings.accumulate, what="functional.batch_size")
        phases.append((settings.total_steps, second, parts))
    if validation is not None:
        validation = Validation(
            validation.x_0.to(accelerator.device), validation.condition.to(accelerator.device), validation.accuracy
        )

    done, train_losses, points, recent, seconds = 0, [], [], [], 0.0
    found = store.load(device=accelerator.device) if store is not None else None
    if found is not None:
        state, stored_run = found
        check_run(stored_run, run, store.folder)  # type: ignore[union-attr]
        network.load_state_dict(state["network"])
        ema.load_state_dict(state["ema_state"] | {f"module.{k}": v for k, v in state["ema"].items()})
        optimizer.load_state_dict(state["optimizer"])
        rates.load_state_dict(state["rates"])
        apply_rates(optimizer, rates, settings, state["step"])
        first.load_state_dict(state["objective"])
        if accelerator.scaler is not None and state.get("scaler"):
            accelerator.scaler.load_state_dict(state["scaler"])
        done, seconds, recent = state["step"], state["seconds"], state["recent"]
        train_losses = [(int(step), loss) for step, loss in state["train_losses"]]
        points = [ValidationPoint(*point) for point in state["points"]]
        log.info("generator: goes on after step %d of %s", done, store.folder)  # type: ignore[union-attr]

    began = perf_counter() - seconds
    best, chosen = _best(points, settings), store.best() if store is not None else None
    main = accelerator.is_main_process
    with progress("generator", total=settings.total_steps, unit="step", initial=done) as bar:
        for step in range(done, settings.total_steps):
            objective, parts = next((objective, parts) for end, objective, parts in phases if step < end)
            optimizer.zero_grad()
            total, figures = torch.zeros((), device=accelerator.device), {}
            for i, part in enumerate(parts):
                last_part = i + 1 == len(parts)
                # Mixed precision is the prepared model's own affair: losses are computed in float32.
                with (
                    seeded(accelerator.device, settings.seed, step * len(parts) + i),
                    _no_sync(accelerator, model, last_part),
                ):
                    loss = objective(model, step, part)
                    accelerator.backward(loss.total / len(parts))
                total += loss.total.detach() / len(parts)
                figures = loss.figures
            norm = accelerator.clip_grad_norm_(model.parameters(), settings.clip)
            recent.append(float(accelerator.reduce(total, "mean")))
            if not math.isfinite(recent[-1] + (0.0 if settings.mixed_precision == "fp16" else float(norm))):
                raise diverged(step, store)
            optimizer.step()
            rates.step()
            ema.update_parameters(network)
            if main:
                bar.update(1, loss=recent[-1], **figures)

            done, last = step + 1, step + 1 in (settings.steps, settings.total_steps)  # the end of a phase
            if done % settings.log_every == 0 or last:
                train_losses.append((done, sum(recent) / len(recent)))
                accelerator.log({"loss": train_losses[-1][1], "rate": rates.get_last_lr()[0], **figures}, step=done)
                recent = []
            improved = False
            if validation is not None and (done % settings.validate_every == 0 or last):
                points.append(_validate(done, cast(Network, ema.module), validation))
                logged = {k: v for k, v in points[-1]._asdict().items() if v is not None and k != "step"}
                accelerator.log({f"validation_{k}": v for k, v in logged.items()}, step=done)
                improved, best = _best(points, settings) != best, _best(points, settings)
            if improved or (best is None and done == settings.total_steps):
                chosen = {name: value.detach().cpu().clone() for name, value in ema.module.state_dict().items()}
            if store is not None and main and (done % settings.checkpoint_every == 0 or last or improved):
                average = ema.state_dict()
                state = {
                    "step": done, "network": network.state_dict(), "ema": ema.module.state_dict(),
                    "ema_state": {k: v for k, v in average.items() if not k.startswith("module.")},
                    "optimizer": optimizer.state_dict(), "rates": rates.state_dict(), "objective": first.state_dict(),
                    "recent": recent, "train_losses": train_losses, "points": [list(point) for point in points],
                    "scaler": accelerator.scaler.state_dict() if accelerator.scaler is not None else None,  # fp16 alone
                    "seconds": perf_counter() - began,
                }  # fmt: skip
                store.save(done, state, run=run, best=best[1] if improved and best else None)

    end_processes(accelerator)
    accelerator.unwrap_model(model, keep_fp32_wrapper=False)  # mixed precision wraps `forward`; give it back plain
    chosen = chosen or {name: value.detach().cpu().clone() for name, value in ema.module.state_dict().items()}
    network.load_state_dict(chosen)
    network.eval()
    best_step = best[0] if best else done
    return TrainResult(chosen, train_losses, points, done, min(done, settings.steps), best_step, perf_counter() - began)


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


def _adversary(size: int, accelerator: Any, settings: TrainSettings) -> Adversary | None:
    if not settings.adversarial:
        return None
    average = partial(accelerator.reduce, reduction="mean") if accelerator.num_processes > 1 else None
    return Adversary(size, accelerator.device, seed=settings.seed, average=average)


def _teacher(functional: Functional, settings: TrainSettings, device: torch.device) -> LinearHead | None:
    """Fitted anew at every start: it takes seconds and is the same each time."""
    if not settings.functional.teacher:
        return None
    real = functional.fresh.fresh if isinstance(functional.fresh, ConceptTasks) else functional.fresh
    return fit_teacher(real, noise=settings.functional.feature_noise, seed=settings.seed).to(device)


def _no_sync(accelerator: Any, model: nn.Module, last: bool) -> AbstractContextManager[None]:
    """Gradients of all processes are averaged once a step, with its last part."""
    context: AbstractContextManager[None] = nullcontext() if last else accelerator.no_sync(model)
    return context
