"""Every kind of network goes through the same loop, is saved and loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from training_parts import SETTINGS, SPEC, Setup, same, state_of
from training_world import SPEC as WORLD_SPEC
from training_world import make_world

from t2w.errors import T2WError
from t2w.generator import (
    Condition,
    Generator,
    GeneratorConfig,
    NetworkConfig,
    Normalizer,
    ReferenceConfig,
    prior_attention,
)
from t2w.generator.reference import ReferenceTransformer
from t2w.training import Functional, FunctionalSettings, fit_generator

SMALL: dict[str, Any] = {"n_embd": 16, "n_layer": 1, "n_head": 2, "chunk_size": 10}

NORMALIZER = Normalizer.scaled(SPEC.size, 4.0)


def pooled(condition: Condition) -> Condition:
    tokens = [prior_attention(t[m])[None] for t, m in zip(condition.tokens, condition.mask, strict=True)]
    return Condition(torch.stack(tokens), torch.ones(len(tokens), 1, dtype=torch.bool))


@pytest.mark.parametrize(
    "config", [GeneratorConfig(SPEC, 8, **SMALL), ReferenceConfig(SPEC, 8, **SMALL, num_frequencies=4)]
)
def test_a_network_trains_is_saved_and_loaded(setup: Setup, tmp_path: Path, config: NetworkConfig) -> None:
    condition = pooled(setup.condition) if config.conditioning == "pooled" else setup.condition
    generator, result = fit_generator(
        config, NORMALIZER, setup.x_0, condition, settings=replace(SETTINGS, steps=3, adversarial=0.1),
        checkpoints=tmp_path / "checkpoints",
    )  # fmt: skip
    assert result.steps == 3
    generator.save(tmp_path / "generator.safetensors")
    again = Generator.load(tmp_path / "generator.safetensors")
    assert again.config == config
    assert isinstance(again.network, ReferenceTransformer) == isinstance(config, ReferenceConfig)
    assert same(again.network.state_dict(), generator.network.state_dict())
    assert torch.equal(again.generate(condition, steps=2), generator.generate(condition, steps=2))
    assert set(state_of(tmp_path / "checkpoints")["network"]) == set(generator.network.state_dict())


def test_the_reference_network_learns_in_both_phases() -> None:
    world = make_world()
    config = ReferenceConfig(WORLD_SPEC, 5, **SMALL, num_frequencies=4)
    second = FunctionalSettings(steps=3, batch_size=4, images=6)
    _, result = fit_generator(
        config, world.normalizer, world.vectors, pooled(world.condition),
        settings=replace(SETTINGS, steps=3, functional=second, condition_dropout=0.5, text_noise=0.1),
        functional=Functional(world.random_tasks(), world.text),
    )  # fmt: skip
    assert (result.steps, result.first_phase_steps) == (6, 3)


def test_the_reference_network_wants_pooled_conditions(setup: Setup) -> None:
    config = ReferenceConfig(SPEC, 8, **SMALL, num_frequencies=4)
    with pytest.raises(T2WError, match=r'one token per task.*conditioning="pooled"'):
        fit_generator(config, NORMALIZER, setup.x_0, setup.condition, settings=SETTINGS)


def test_the_normaliser_that_is_given_is_kept(setup: Setup) -> None:
    config = GeneratorConfig(SPEC, 8, n_embd=16, n_layer=1, n_head=2)
    generator, _ = fit_generator(config, NORMALIZER, setup.x_0, setup.condition, settings=replace(SETTINGS, steps=1))
    assert torch.equal(generator.normalizer.std, torch.full((SPEC.size,), 0.25))
    assert not generator.normalizer.mean.any()
