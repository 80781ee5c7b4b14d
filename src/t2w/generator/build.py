"""The kinds of network there are, and how each is made from its config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import torch

from t2w.errors import T2WError
from t2w.generator.config import GeneratorConfig, ReferenceConfig, UnitConfig
from t2w.generator.network import WeightTransformer
from t2w.generator.reference import ReferenceTransformer
from t2w.generator.unit_network import UnitTransformer

__all__ = ["CONFIGS", "Network", "NetworkConfig", "build_network", "config_from_dict"]

NetworkConfig: TypeAlias = GeneratorConfig | ReferenceConfig | UnitConfig
Network: TypeAlias = WeightTransformer | ReferenceTransformer | UnitTransformer

CONFIGS: dict[str, type[NetworkConfig]] = {kind.kind: kind for kind in (GeneratorConfig, ReferenceConfig, UnitConfig)}


def build_network(config: NetworkConfig, *, seed: int = 0) -> Network:
    """A network with initial weights that depend on the config and the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if isinstance(config, ReferenceConfig):
            return ReferenceTransformer(config)
        return UnitTransformer(config) if isinstance(config, UnitConfig) else WeightTransformer(config)


def config_from_dict(values: Mapping[str, Any]) -> NetworkConfig:
    """The inverse of `to_dict` of any kind. Raises T2WError where a field is missing, unknown or out of range."""
    kind = values.get("kind", "t2w")  # which files of the first versions do not say
    if kind not in CONFIGS:
        raise T2WError(f"a generator of kind {kind!r}", expected=f"one of {', '.join(CONFIGS)}")
    return CONFIGS[kind].from_dict(values)
