"""The processes of a run, over Hugging Face Accelerate: one, or as many as `accelerate launch` started."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from t2w.errors import T2WError
from t2w.extras import needs
from t2w.training.optimizer import adamw
from t2w.training.settings import TrainSettings
from t2w.training.sharding import hidden_from_accelerate, shard, sharding_asked_for

__all__ = ["any_of", "end_processes", "prepared", "start_processes"]


def start_processes(
    device: torch.device | str, settings: TrainSettings, *, logs: Path | None = None, run: dict[str, Any] | None = None
) -> Any:
    """An `accelerate.Accelerator` for this run.

    Args:
        device: where one process computes; several take the devices that the launcher gives them.
        logs: folder of the trackers' logs; None for no trackers.
        run: configuration shown by the trackers.

    Raises:
        T2WError: more processes than accelerators, fp16 on a CPU or with FSDP, or a tracker that is not installed.
    """
    device = torch.device(device)
    local = int(os.environ.get("LOCAL_RANK", 0))
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.type == "cuda" and local >= cards:
        raise T2WError(
            f"process {local + 1} of this machine has no GPU of its own: there are {cards}",
            expected="at most one process per GPU",
            fix=f"accelerate launch --num_processes {cards} ..." if cards else "use device=cpu",
        )
    if settings.mixed_precision == "fp16" and device.type == "cpu":
        raise T2WError(
            "mixed_precision is 'fp16' on a CPU", expected="fp16 on a GPU", fix="use train.mixed_precision=no"
        )
    if settings.mixed_precision == "fp16" and sharding_asked_for():
        raise T2WError(
            "mixed_precision is 'fp16' with FSDP", expected="bf16 or no", fix="use train.mixed_precision=bf16"
        )
    for name in settings.trackers:
        if find_spec(name) is None:
            raise T2WError(f"tracker {name!r} is not installed", fix='pip install "t2w[tracking]"')
    trackers = [] if logs is None else list(settings.trackers)
    with needs("the training loop"):
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState, PartialState, is_initialized

    # Accelerate remembers the first run's precision and device for the whole process; every run here brings its own.
    several = is_initialized() and PartialState().use_distributed
    AcceleratorState._reset_state(reset_partial_state=not several)
    with hidden_from_accelerate():
        accelerator = Accelerator(
            cpu=device.type == "cpu",
            mixed_precision=settings.mixed_precision,
            log_with=trackers or None,
            project_dir=str(logs) if trackers else None,
        )
    if trackers:
        # Nobody is waited for at the start: without a word from the user, W&B writes to this disk only.
        offline = {"wandb": {"mode": os.environ.get("WANDB_MODE", "offline"), "dir": str(logs)}}
        init_kwargs = offline if "wandb" in trackers else {}
        accelerator.init_trackers("t2w", config=dict(_flat(run or {})), init_kwargs=init_kwargs)
    return accelerator


def prepared(accelerator: Any, network: nn.Module, ema: AveragedModel, settings: TrainSettings) -> tuple[Any, Any]:
    """What is called for predictions, and the optimiser: of the whole network, or of this process's part of it."""
    sharded = sharding_asked_for() and accelerator.num_processes > 1
    if sharded:
        for module in (network, ema.module):
            shard(module, accelerator)
    model: nn.Module = torch.compile(network) if settings.compile else network  # type: ignore[assignment]
    optimizer = accelerator.prepare(adamw(network, settings, accelerator.device))
    # A network that is cut joins its gradients itself; Accelerate adds mixed precision alone.
    return accelerator.prepare_model(model, evaluation_mode=sharded), optimizer


def any_of(accelerator: Any, *flags: bool) -> list[bool]:
    """Each flag, raised where any process raised it: what all of them do, they do at the same step."""
    if accelerator.num_processes == 1:
        return list(flags)
    found = accelerator.reduce(torch.tensor(flags, dtype=torch.float32, device=accelerator.device), "sum")
    return [bool(flag) for flag in found]


def end_processes(accelerator: Any) -> None:
    """Wait for each other and close the trackers; the processes stay joined, so that they can train again."""
    accelerator.wait_for_everyone()
    for tracker in accelerator.trackers:
        tracker.finish()
    # Not `end_training`, which parts them: joined a second time, they wait for each other at addresses of the first.
    if accelerator.num_processes > 1:
        atexit.register(accelerator.state.destroy_process_group)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and plain values, as TensorBoard wants a configuration."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value if isinstance(value, bool | int | float | str) else str(value)
