"""The training loop: set up, step, log, validate, save."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, cast

import torch
from torch import Tensor, nn

from t2w.adapters.store import Vectors
from t2w.concepts import Concepts
from t2w.generator import Condition, Generator, Network, NetworkConfig, Normalizer, UnitNormalizer, build_network
from t2w.progress import progress
from t2w.training.batches import seeded
from t2w.training.checkpoint import Checkpoints
from t2w.training.functional import Functional
from t2w.training.interrupts import delayed_interrupt
from t2w.training.optimizer import apply_rates, averaged
from t2w.training.phases import check_fit, phases_of
from t2w.training.processes import any_of, end_processes, prepared, start_processes
from t2w.training.resume import TrainingState, check_run, data_fingerprint, diverged
from t2w.training.rows import WeightRows
from t2w.training.settings import TrainSettings
from t2w.training.sharding import put_together, whole
from t2w.training.validation import Validation, ValidationPoint, best_of, validate

__all__ = ["TrainResult", "fit_generator"]

log = logging.getLogger("t2w")

_FIRST_CHECKPOINT = 60.0  # seconds, where `checkpoint_every` steps take longer


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


def fit_generator(
    config: NetworkConfig,
    normalizer: Normalizer | UnitNormalizer,
    vectors: Vectors,
    condition: Condition,
    *,
    settings: TrainSettings,
    validation: Validation | None = None,
    functional: Functional | None = None,
    initial: Mapping[str, Tensor] | None = None,
    provenance: Mapping[str, Any] | None = None,
    known: Tensor | None = None,
    concepts: Concepts | None = None,
    checkpoints: str | Path | None = None,
    device: torch.device | str = "cpu",
) -> tuple[Generator, TrainResult]:
    """Build a network and train it to predict clean weights.

    Args:
        config: of the network; its `conditioning` must be that of the conditions.
        normalizer: between adapters and what the network sees.
        vectors: (T, P) training adapters, as trained (not normalised); a tensor or memory-mapped.
        condition: of the same T tasks.
        settings: of the run.
        validation: None for no validation.
        functional: what the second phase works on; None where there is none.
        initial: the network's first weights; None for new ones.
        provenance: stored with the generator, as are `known` and `concepts`: see `Generator`.
        checkpoints: folder of the run's checkpoints. A run that is there is continued, bitwise on a CPU; None for none.
        device: where to train; the generator stays there.

    Raises:
        T2WError: sizes that do not fit, a batch larger than the data, numbers that are not finite in the data or in the
            loss, a checkpoint of another run, or nothing to select by.
    """
    check_fit(config, vectors, condition, settings, validation, functional)
    network = build_network(config, seed=settings.seed)
    if initial is not None:
        network.load_state_dict(initial)
    store = None if checkpoints is None else Checkpoints(checkpoints, keep=settings.keep)
    run = {"settings": settings.to_dict(), "network": config.to_dict(), "data": data_fingerprint(vectors, condition)}
    accelerator = start_processes(device, settings, logs=store.folder / "logs" if store else None, run=run)
    place: torch.device = accelerator.device
    network.to(place).train()
    if validation is not None:
        x_0 = normalizer.normalize(validation.x_0, validation.condition)
        validation = Validation(x_0.to(place), validation.condition.to(place), validation.accuracy)
    rows = WeightRows(config.spec, vectors, normalizer.to(place), place)
    ema = averaged(network, settings.ema_decay, warmup=settings.ema_warmup)
    model, optimizer = prepared(accelerator, network, ema, settings)
    weights, phases = phases_of(config, rows, condition.to(place), settings, functional, accelerator)
    state = TrainingState(network, ema, optimizer, weights, accelerator.scaler)
    if store is not None and (found := store.load(device=place)) is not None:
        check_run(found[1], run, store.folder)
        state.load_state_dict(found[0])
        log.info("generator: goes on after step %d of %s", state.done, store.folder)
    best, kept = best_of(state.points, settings), None if store is None else store.load("best")
    chosen = None if kept is None else kept[0]["ema"]
    began = perf_counter() - state.seconds
    first_save: float | None = perf_counter() + _FIRST_CHECKPOINT
    with (
        progress("generator", total=settings.total_steps, unit="step", initial=state.done) as bar,
        delayed_interrupt() as interrupt,
    ):
        for step in range(state.done, settings.total_steps):
            objective, parts = next((phase.objective, phase.parts) for phase in phases if step < phase.end)
            rate = apply_rates(optimizer, settings, step)
            optimizer.zero_grad()
            total, figures = torch.zeros((), device=place), dict[str, float]()
            for i, part in enumerate(parts):
                # Gradients of all processes are averaged once a step, with its last part. Mixed precision is the
                # prepared model's own affair: losses are computed in float32.
                joined = nullcontext() if i + 1 == len(parts) else accelerator.no_sync(model)
                with seeded(place, settings.seed, step * len(parts) + i), joined:
                    loss, figures = objective(model, step, part)
                    accelerator.backward(loss / len(parts))
                total += loss.detach() / len(parts)
            norm = whole(accelerator.clip_grad_norm_(model.parameters(), settings.clip), everywhere=True)
            state.recent.append(float(accelerator.reduce(total, "mean")))
            if not math.isfinite(state.recent[-1] + (0.0 if settings.mixed_precision == "fp16" else float(norm))):
                raise diverged(step, store)
            optimizer.step()
            ema.update_parameters(network)
            if accelerator.is_main_process:
                bar.update(1, loss=state.recent[-1], **figures)

            state.done, last = step + 1, step + 1 in (settings.steps, settings.total_steps)  # the end of a phase
            if state.done % settings.log_every == 0 or last:
                accelerator.log({"loss": state.close_entry(), "rate": rate, **figures}, step=state.done)
            improved = False
            if validation is not None and (state.done % settings.validate_every == 0 or last):
                state.points.append(validate(state.done, put_together(cast(Network, ema.module), config), validation))
                logged = {k: v for k, v in state.points[-1]._asdict().items() if v is not None and k != "step"}
                accelerator.log({f"validation_{k}": v for k, v in logged.items()}, step=state.done)
                before, best = best, best_of(state.points, settings)
                improved = best != before
            if improved or (best is None and state.done == settings.total_steps):
                chosen = _weights(ema.module)
            early = first_save is not None and perf_counter() > first_save
            pressed, early = any_of(accelerator, interrupt.pressed, early)
            due = state.done % settings.checkpoint_every == 0 or last or improved or pressed or early
            if store is not None and due:
                state.seconds, first_save = perf_counter() - began, None
                whole_state = state.state_dict()  # put together by all
                if accelerator.is_main_process:
                    store.save(state.done, whole_state, run=run, best=best[1] if improved and best else None)
            if pressed:
                raise KeyboardInterrupt

    end_processes(accelerator)
    accelerator.unwrap_model(model, keep_fp32_wrapper=False)  # mixed precision wraps `forward`; give it back plain
    chosen = chosen or _weights(ema.module)
    network = put_together(network, config)
    network.load_state_dict(chosen)
    result = TrainResult(
        chosen, state.train_losses, state.points, state.done, min(state.done, settings.steps),
        best[0] if best else state.done, perf_counter() - began,
    )  # fmt: skip
    return Generator(network, normalizer, provenance, known, concepts), result


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in whole(network.state_dict(), everywhere=True).items()}
