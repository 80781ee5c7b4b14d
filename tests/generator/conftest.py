from __future__ import annotations

import pytest
import torch
from generator_parts import SPEC, random

from t2w.generator import Condition, Generator, GeneratorConfig, Normalizer, build_network, condition_of


@pytest.fixture
def config() -> GeneratorConfig:
    return GeneratorConfig(SPEC, text_dim=7, n_embd=16, n_layer=2, n_head=2, chunk_size=4)


@pytest.fixture
def condition() -> Condition:
    return condition_of(random(9, 7), [[0, 1, 2], [5, 3], [8, 7, 6, 4]])


@pytest.fixture
def generator(config: GeneratorConfig) -> Generator:
    """Untrained, but with a head that is not zero, so that its answers depend on everything."""
    network = build_network(config, seed=1)
    with torch.no_grad():
        for parameter in network.weights.head:
            parameter.copy_(random(*parameter.shape, seed=2))
    base, vectors = random(SPEC.size, seed=3), random(20, SPEC.size, seed=4)
    return Generator(network, Normalizer.fit(base, vectors), {"text_encoder": "none", "template": "{}"})
