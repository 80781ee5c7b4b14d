"""The training loop: set up, step, log, validate, save."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from t2w.diffusion import linear_schedule, q_sample
from t2w.errors import T2WError
from t2w.files import fingerprint
from t2w.generator import Condition, WeightTransformer
from t2w.progress import progress
from t2w.training.batches import draw, seeded
from t2w.training.checkpoint import LAST, load_checkpoint, save_checkpoint
from t2w.training.ema import averaged
from t2w.training.losses import timestep_weights, validation_loss, weight_loss
from t2w.training.settings import TrainSettings

__all__ = ["TrainResult", "train_generator"]


@dataclass(frozen=True, eq=False)
class TrainResult:
    """What a training run left.

    Attributes:
        weights: the averaged (EMA) state of the network, on the CPU; the network itself holds it too.
        train_losses: (step, mean loss since the last entry).
        validation_losses: (step, mean over timesteps, at pure noise) of the averaged weights.
        steps: optimiser steps done.
        seconds: time spent, over all resumptions.
    """

    weights: dict[str, Tensor]
    train_losses: list[tuple[int, float]]
    validation_losses: list[tuple[int, float, float]]
    steps: int
    seconds: float


def train_generator(
    network: WeightTransformer,
    x_0: Tensor,
    condition: Condition,
    *,
    settings: TrainSettings,
    validation: tuple[Tensor, Condition] | None = None,
    checkpoints: str | Path | None = None,
    device: torch.device | str = "cpu",
) -> TrainResult:
    """Train a network to predict clean weights; on return it holds the averaged weights.

    Args:
        network: as built, on any device.
        x_0: (T, P) normalised training vectors (`Normalizer.normalize`).
        condition: of the same T tasks.
        settings: see TrainSettings.
        validation: normalised vectors and conditions of validation tasks; None for no validation.
        checkpoints: folder of the run's checkpoint. One that is there is continued, bitwise on a CPU; None for none.
        device: "cpu", or an accelerator.

    Raises:
        T2WError: sizes that do not fit, a batch larger than the data, numbers that are not finite in the data or in the
            loss, or a checkpoint of another run.
    """
    _check(network, x_0, condition, settings)
    accelerator = _accelerator(device, settings.mixed_precision)
    schedule = linear_schedule(network.config.timesteps)
    network.to(accelerator.device).train()
    optimizer = _optimizer(network, settings, accelerator.device)
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, settings.rate)
    ema = averaged(network, settings.ema_decay)
    model, optimizer = accelerator.prepare(network, optimizer)
    x_0, condition = x_0.to(accelerator.device), condition.to(accelerator.device)
    if validation is not None:
        validation = validation[0].to(accelerator.device), validation[1].to(accelerator.device)

    path = Path(checkpoints) / LAST if checkpoints is not None else None
    run = {"settings": settings.to_dict(), "network": network.config.to_dict(), "data": _data_print(x_0, condition)}
    done, train_losses, validation_losses, recent, seconds = 0, [], [], [], 0.0
    state = load_checkpoint(path, run=run, device=accelerator.device) if path is not None else None
    if state is not None:
        network.load_state_dict(state["network"])
        ema.load_state_dict(state["ema"])
        optimizer.load_state_dict(state["optimizer"])
        rates.load_state_dict(state["rates"])
        done, seconds = state["step"], state["seconds"]
        train_losses, validation_losses, recent = state["train_losses"], state["validation_losses"], state["recent"]

    began = perf_counter() - seconds
    with progress("generator", total=settings.steps, unit="step", initial=done) as bar:
        for step in range(done, settings.steps):
            now = draw(
                settings.seed, step,
                tasks=len(x_0), size=x_0.shape[1], batch_size=settings.batch_size, timesteps=schedule.timesteps,
            )  # fmt: skip
            tasks, t, noise = (value.to(accelerator.device) for value in (now.tasks, now.t, now.noise))
            target = x_0[tasks]
            with seeded(accelerator.device, settings.seed, step), accelerator.autocast():
                x0_hat = model(q_sample(schedule, target, t, noise), t, condition.rows(tasks))
            loss = weight_loss(x0_hat.float(), target, timestep_weights(schedule, t, settings.weighting))
            optimizer.zero_grad()
            accelerator.backward(loss)
            norm = accelerator.clip_grad_norm_(model.parameters(), settings.clip)
            recent.append(float(loss.detach()))
            if not math.isfinite(recent[-1] + float(norm)):
                raise _diverged(step, path)
            optimizer.step()
            rates.step()
            ema.update_parameters(network)
            bar.update(loss=recent[-1])

            done, last = step + 1, step + 1 == settings.steps
            if done % settings.log_every == 0 or last:
                train_losses.append((done, sum(recent) / len(recent)))
                recent = []
            if validation is not None and (done % settings.validate_every == 0 or last):
                validation_losses.append((done, *_validate(ema.module, validation, network)))
            if path is not None and (done % settings.checkpoint_every == 0 or last):
                state = {
                    "step": done, "network": network.state_dict(), "ema": ema.state_dict(),
                    "optimizer": optimizer.state_dict(), "rates": rates.state_dict(), "recent": recent,
                    "train_losses": train_losses, "validation_losses": validation_losses,
                    "seconds": perf_counter() - began,
                }  # fmt: skip
                save_checkpoint(path, state, run=run)

    accelerator.unwrap_model(model, keep_fp32_wrapper=False)  # mixed precision wraps `forward`; give it back plain
    weights = {name: value.detach().cpu().clone() for name, value in ema.module.state_dict().items()}
    network.load_state_dict(weights)
    network.eval()
    return TrainResult(weights, train_losses, validation_losses, done, perf_counter() - began)


def _accelerator(device: torch.device | str, mixed_precision: str) -> Any:
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    # Accelerate remembers the first run's precision for the whole process; every run here brings its own.
    AcceleratorState._reset_state()
    return Accelerator(cpu=torch.device(device).type == "cpu", mixed_precision=mixed_precision)


def _optimizer(network: nn.Module, settings: TrainSettings, device: torch.device) -> torch.optim.Optimizer:
    """AdamW that decays matrices only."""
    parameters = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    matrices = [p for name, p in parameters if p.ndim >= 2 and not name.endswith("position")]
    others = [p for name, p in parameters if p.ndim < 2 or name.endswith("position")]
    groups = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.99), fused=device.type in ("cpu", "cuda"))


def _validate(
    network: nn.Module, validation: tuple[Tensor, Condition], training: WeightTransformer
) -> tuple[float, float]:
    """Squared error of validation tasks: mean over timesteps, and at pure noise."""
    x_0, condition = validation
    network.eval()
    errors = validation_loss(lambda x_t, t: network(x_t, t, condition), x_0, linear_schedule(training.config.timesteps))
    return sum(errors) / len(errors), errors[0]


def _data_print(x_0: Tensor, condition: Condition) -> str:
    """Tells training sets apart: their sizes and sums, in float64 on the CPU."""
    sums = [float(value.double().cpu().sum()) for value in (x_0, x_0.square(), condition.tokens, condition.mask)]
    return fingerprint([list(x_0.shape), list(condition.tokens.shape), sums])


def _check(network: WeightTransformer, x_0: Tensor, condition: Condition, settings: TrainSettings) -> None:
    if x_0.ndim != 2 or x_0.shape[1] != network.config.spec.size:
        raise T2WError(
            f"training vectors of shape {tuple(x_0.shape)}",
            expected=f"(tasks, {network.config.spec.size}), the generator's adapter size",
            fix="build the generator with the spec of these adapters",
        )
    if len(condition) != len(x_0):
        raise T2WError(f"{len(condition)} conditions for {len(x_0)} training vectors", expected="one condition each")
    if settings.batch_size > len(x_0):
        raise T2WError(
            f"batch_size is {settings.batch_size}", expected=f"at most {len(x_0)}, the number of training tasks"
        )
    bad = (~torch.isfinite(x_0).all(dim=1)).nonzero().flatten().tolist()
    if bad:
        raise T2WError(
            f"numbers that are not finite in training vector {bad[0]}",
            expected="finite weights",
            fix="train the adapters again, at a lower learning rate",
        )


def _diverged(step: int, path: Path | None) -> T2WError:
    kept = f"the last good checkpoint is {path}" if path is not None and path.exists() else "there is no checkpoint yet"
    return T2WError(
        f"the loss or its gradient is not finite at step {step + 1} ({kept})",
        expected="a finite loss",
        fix="lower train.learning_rate, raise train.warmup, or use train.mixed_precision=no",
    )
