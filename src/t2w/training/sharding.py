"""A network cut over the processes of a run (FSDP2): each keeps a part of every weight, its average and its moments.

What leaves the processes is whole: checkpoints and generators are those of one process, and each may go on with the
other's. `accelerate launch` asks for it with `use_fsdp`. Accelerate's own sharding wants GPUs and takes the optimiser
apart; PyTorch's `fully_shard`, which it is made of, is called here instead, the same on CPUs and GPUs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from t2w.devices import is_main_process
from t2w.generator import Network, NetworkConfig, build_network

__all__ = ["hidden_from_accelerate", "is_cut", "placed", "put_together", "shard", "sharding_asked_for", "whole"]

_ASKED = "ACCELERATE_USE_FSDP"  # set by `accelerate launch`


def sharding_asked_for() -> bool:
    """Whether the launcher was told `use_fsdp`."""
    return os.environ.get(_ASKED, "").lower() in ("1", "true")


@contextmanager
def hidden_from_accelerate() -> Iterator[None]:
    """Let Accelerate join the processes, and no more."""
    asked = os.environ.pop(_ASKED, None)
    try:
        yield
    finally:
        if asked is not None:
            os.environ[_ASKED] = asked


def shard(network: nn.Module, accelerator: Any) -> None:
    """Cut the weights of a network that every process holds; its forward passes then gather them, block by block."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(accelerator.device.type, (accelerator.num_processes,))
    scalars = {p for p in network.parameters() if p.ndim == 0}  # nothing to cut: each process keeps them
    for parameter in scalars:
        parameter.register_post_accumulate_grad_hook(_averaged)
    # One that reads from its blocks' weights without calling the blocks has them gathered all at once.
    for module in () if hasattr(network, "read") else tuple(network.modules()):
        if isinstance(blocks := getattr(module, "blocks", None), nn.ModuleList):
            for block in blocks:
                fully_shard(block, mesh=mesh)
    fully_shard(network, mesh=mesh, reshard_after_forward=True, ignored_params=scalars)


def _averaged(parameter: Tensor) -> None:
    """Give the gradient of a parameter that is not cut to all processes; also where it grows part by part."""
    import torch.distributed as dist

    assert parameter.grad is not None
    dist.all_reduce(parameter.grad)
    parameter.grad /= dist.get_world_size()


def is_cut(value: Any) -> bool:
    """Whether it is a tensor of which this process has a part."""
    return hasattr(value, "full_tensor")


def put_together(network: Network, config: NetworkConfig) -> Network:
    """The network itself where it is whole; else a whole one on every process, made by all together."""
    if not any(map(is_cut, network.parameters())):
        return network
    found = build_network(config)
    found.load_state_dict(whole(network.state_dict(), everywhere=True))
    return found.to(next(network.parameters()).device)


def whole(value: Any, *, everywhere: bool = False) -> Any:
    """`value`, through mappings, with tensors that are cut put together, on the CPU; nothing else changes.

    All processes call it together.

    Args:
        everywhere: False: only the main process keeps what is put together; others get None in its place.
    """
    if isinstance(value, Mapping):
        return {key: whole(item, everywhere=everywhere) for key, item in value.items()}
    if isinstance(value, list):
        return [whole(item, everywhere=everywhere) for item in value]
    if not is_cut(value):
        return value
    full = value.detach().full_tensor()
    return full.cpu() if everywhere or is_main_process() else None


def placed(state: Any, part: Any) -> Any:
    """The state of a network or of an optimiser as `whole` gives it, cut as `part` is, to be loaded into it."""
    if isinstance(part, nn.Module):
        now = part.state_dict()
        return {name: _like(value, now.get(name)) for name, value in state.items()}
    if not hasattr(part, "param_groups"):
        return state
    parameters = [p for group in part.param_groups for p in group["params"]]
    moments = {
        i: {name: _like(value, parameters[int(i)]) for name, value in each.items()}
        for i, each in state["state"].items()
    }
    return {**state, "state": moments}


def _like(value: Any, other: Any) -> Any:
    """A whole tensor cut as another of its shape is."""
    if not is_cut(other) or not isinstance(value, Tensor) or value.shape != other.shape:
        return value
    from torch.distributed.tensor import distribute_tensor

    value = value.to(other.device, torch.float32)
    return distribute_tensor(value, other.device_mesh, other.placements, src_data_rank=None)
