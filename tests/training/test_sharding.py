"""A network cut up, here over one process: it predicts and learns as a whole one does, and can be put together."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor
from torch.testing import assert_close
from training_parts import SETTINGS, SPEC, same

from t2w.adapters import AdapterSpec
from t2w.concepts import Evidence
from t2w.errors import T2WError
from t2w.generator import (
    Condition,
    GeneratorConfig,
    NetworkConfig,
    ReferenceConfig,
    UnitConfig,
    build_network,
    condition_of,
    condition_of_evidence,
)
from t2w.training.optimizer import adamw
from t2w.training.processes import start_processes
from t2w.training.sharding import is_cut, placed, put_together, shard, whole

CPU = torch.device("cpu")
SIZE = {"n_embd": 16, "n_layer": 2, "n_head": 2}
UNITS = AdapterSpec(SPEC.in_features, 2, 8, 20.0)


@pytest.fixture
def alone() -> Iterator[SimpleNamespace]:
    """An accelerator of one process that has joined a group."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield SimpleNamespace(device=CPU, num_processes=1)
    dist.destroy_process_group()


def text(dim: int) -> Tensor:
    return F.normalize(torch.randn(2, dim, generator=torch.Generator().manual_seed(1)), dim=1)


def evidence() -> Condition:
    return condition_of_evidence(Evidence(text(8), text(SPEC.in_features), torch.tensor([0.1, 0.4]), ("map",) * 2))


@pytest.mark.parametrize(
    ("config", "condition"),
    [
        (GeneratorConfig(SPEC, 8, **SIZE), condition_of(text(8))),
        (ReferenceConfig(SPEC, 8, **SIZE, num_frequencies=4), condition_of(text(8), conditioning="pooled")),
        (UnitConfig(UNITS, 8, **SIZE, rank=3), evidence()),
    ],
)
def test_a_cut_network_predicts_and_learns_as_a_whole_one(
    alone: SimpleNamespace, config: NetworkConfig, condition: Condition
) -> None:
    plain, cut = build_network(config).train(), build_network(config).train()
    shard(cut, alone)
    assert all(is_cut(parameter) for parameter in cut.parameters() if parameter.ndim)
    optimizers = [adamw(network, SETTINGS, CPU) for network in (plain, cut)]
    size = config.spec_for(condition.mask.shape[1]).size
    x_t, x_0 = torch.randn(2, 1, size, generator=torch.Generator().manual_seed(2))
    for _ in range(2):
        for network, optimizer in zip((plain, cut), optimizers, strict=True):
            torch.manual_seed(0)
            (network(x_t, torch.tensor([500]), condition) - x_0).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
    assert put_together(plain, config) is plain
    assert_close(dict(put_together(cut, config).state_dict()), dict(plain.state_dict()))
    state = whole(optimizers[1].state_dict())
    assert_close(state["state"], optimizers[0].state_dict()["state"])
    other = build_network(config, seed=1)
    shard(other, alone)
    for part, found in ((other, whole(cut.state_dict())), (adamw(other, SETTINGS, CPU), state)):
        part.load_state_dict(placed(found, part))
        assert same(dict(whole(part.state_dict())), dict(found))


def test_half_precision_with_a_scaler_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(T2WError, match="mixed_precision is 'fp16' with FSDP; expected bf16 or no"):
        start_processes("meta", replace(SETTINGS, mixed_precision="fp16"))
