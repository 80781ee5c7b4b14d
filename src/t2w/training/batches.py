"""Which tasks, noise and timesteps a step sees: functions of (seed, step) alone, so a resumed run sees the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from t2w.seeds import derive_seed

__all__ = ["Draw", "draw", "seeded", "task_order"]


@dataclass(frozen=True, eq=False)
class Draw:
    """One step's randomness.

    Attributes:
        tasks: (B,) positions of training tasks.
        t: (B,) timesteps.
        noise: (B, P) standard normal.
    """

    tasks: Tensor
    t: Tensor
    noise: Tensor


def task_order(seed: int, step: int, *, tasks: int, batch_size: int) -> Tensor:
    """(batch_size,) positions: the run reads shuffled passes over all tasks, one after another, without a gap."""
    start, end = step * batch_size, (step + 1) * batch_size
    passes = [
        torch.randperm(tasks, generator=_generator(seed, "order", n))
        for n in range(start // tasks, (end - 1) // tasks + 1)
    ]
    first = start % tasks
    return torch.cat(passes)[first : first + batch_size]


def draw(seed: int, step: int, *, tasks: int, size: int, batch_size: int, timesteps: int) -> Draw:
    """The randomness of one step, for `tasks` training vectors of `size` numbers."""
    rng = _generator(seed, "noise", step)
    # One timestep from each of B equal strata, in random order: uniform, and the loss less noisy (Kingma et al. 2021).
    strata = torch.randperm(batch_size, generator=rng)
    t = ((strata + torch.rand(batch_size, generator=rng, dtype=torch.float64)) * timesteps / batch_size).long()
    noise = torch.randn(batch_size, size, generator=rng)
    order = task_order(seed, step, tasks=tasks, batch_size=batch_size)
    return Draw(order, t.clamp(max=timesteps - 1), noise)


@contextmanager
def seeded(device: torch.device, seed: int, step: int) -> Iterator[None]:
    """Give dropout, which draws from torch's own generators, this step's numbers; they are put back afterwards."""
    devices = [] if device.type == "cpu" else [device]
    with torch.random.fork_rng(devices=devices, device_type="cuda" if device.type == "cpu" else device.type):
        torch.manual_seed(derive_seed(seed, "dropout", step))
        yield


def _generator(seed: int, purpose: str, index: int) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed(seed, purpose, index))
