"""Which tasks, noise and timesteps a step sees: functions of (seed, step) alone, so a resumed run sees the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from t2w.seeds import derive_seed

__all__ = ["generator_for", "permutations", "seeded", "stratified_timesteps", "task_order"]


def task_order(seed: int, step: int, *, tasks: int, batch_size: int) -> Tensor:
    """(batch_size,) positions: the run reads shuffled passes over all tasks, one after another, without a gap."""
    start, end = step * batch_size, (step + 1) * batch_size
    passes = range(start // tasks, (end - 1) // tasks + 1)
    order = torch.cat([torch.randperm(tasks, generator=generator_for(seed, "order", n)) for n in passes])
    return order[start % tasks :][:batch_size]


def stratified_timesteps(count: int, timesteps: int, rng: torch.Generator) -> Tensor:
    """(count,) one timestep from each of `count` equal strata, in random order: uniform, and the loss less noisy
    (Kingma et al. 2021)."""
    strata = torch.randperm(count, generator=rng)
    t = ((strata + torch.rand(count, generator=rng, dtype=torch.float64)) * timesteps / count).long()
    return t.clamp(max=timesteps - 1)


def permutations(seed: int, step: int, *, batch_size: int, hidden: int) -> Tensor:
    """(batch_size, hidden) an order of the hidden units for every task of a step, each equally likely."""
    return torch.rand(batch_size, hidden, generator=generator_for(seed, "permutation", step)).argsort(dim=1)


@contextmanager
def seeded(device: torch.device, seed: int, step: int) -> Iterator[None]:
    """Give dropout, which draws from torch's own generators, this step's numbers; they are put back afterwards."""
    devices = [] if device.type == "cpu" else [device]
    with torch.random.fork_rng(devices=devices, device_type="cuda" if device.type == "cpu" else device.type):
        torch.manual_seed(derive_seed(seed, "dropout", step))
        yield


def generator_for(seed: int, purpose: str, index: int) -> torch.Generator:
    """A stream of its own for a purpose and a step."""
    return torch.Generator().manual_seed(derive_seed(seed, purpose, index))
