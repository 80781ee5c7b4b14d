"""A learnable toy: the weights are a linear function of the mean class text, plus a little noise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from t2w.adapters import AdapterSpec
from t2w.generator import Condition, GeneratorConfig, Normalizer, WeightTransformer, build_network, condition_of
from t2w.training import Checkpoints, TrainResult, TrainSettings, Validation, fit_generator, loop

SPEC = AdapterSpec(in_features=6, hidden=3, out_features=5, logit_scale=20.0)
CONFIG = GeneratorConfig(SPEC, text_dim=8, n_embd=32, n_layer=2, n_head=2, dropout=0.1)
AS_IS = Normalizer.scaled(SPEC.size, 1.0)
SETTINGS = TrainSettings(
    steps=12, batch_size=8, learning_rate=3e-3, warmup=2, log_every=3, validate_every=4, checkpoint_every=4
)


@dataclass
class Setup:
    x_0: Tensor  # (T, P) normalised
    condition: Condition
    validation: tuple[Tensor, Condition]

    def network(self, seed: int = 0) -> WeightTransformer:
        return build_network(CONFIG, seed=seed)


def make_setup() -> Setup:
    rng = torch.Generator().manual_seed(0)
    text = torch.randn(12, 8, generator=rng)
    text = text / text.norm(dim=1, keepdim=True)
    tasks = [torch.randperm(12, generator=rng)[: 3 + i % 4].tolist() for i in range(60)]
    mixing = torch.randn(8, SPEC.size, generator=rng)
    x_0 = torch.stack([text[task].mean(dim=0) for task in tasks]) @ mixing
    x_0 = (x_0 - x_0.mean(dim=0)) / x_0.std(dim=0) + 0.1 * torch.randn(x_0.shape, generator=rng)
    condition = condition_of(text, tasks)
    return Setup(x_0[:50], condition.rows(slice(0, 50)), (x_0[50:], condition.rows(slice(50, 60))))


def train(
    setup: Setup, folder: Path | None = None, settings: TrainSettings = SETTINGS, **changes: Any
) -> tuple[WeightTransformer, TrainResult]:
    return fit(setup, replace(settings, **changes), validation=Validation(*setup.validation), checkpoints=folder)


def fit(
    setup: Setup, settings: TrainSettings = SETTINGS, *, config: GeneratorConfig = CONFIG, **options: Any
) -> tuple[WeightTransformer, TrainResult]:
    """A training on weights that are normalised already."""
    generator, result = fit_generator(config, AS_IS, setup.x_0, setup.condition, settings=settings, **options)
    assert isinstance(generator.network, WeightTransformer)
    return generator.network, result


def state_of(folder: Path) -> dict[str, Any]:
    """All that the last checkpoint holds, except for how long it took."""
    found = Checkpoints(folder).load()
    assert found is not None
    state, _ = found
    state.pop("seconds")
    return state


def same(a: Any, b: Any) -> bool:
    """Equal bit for bit, through dicts and lists."""
    if isinstance(a, Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


class Stopped(Exception):
    pass


def stop_before(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let training (of one part per step) end as if killed, before this step (from 0) changes anything."""
    real = loop.seeded

    def seeded(device: torch.device, seed: int, at: int) -> Any:
        if at == step:
            raise Stopped
        return real(device, seed, at)

    monkeypatch.setattr(loop, "seeded", seeded)
