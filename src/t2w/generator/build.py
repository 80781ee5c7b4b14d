"""The kinds of network there are, and how each is made from its config."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch

from t2w.adapters import AdapterSpec
from t2w.errors import T2WError, nearest
from t2w.generator.config import GeneratorConfig, small, tiny
from t2w.generator.network import WeightTransformer
from t2w.generator.reference import ReferenceConfig, ReferenceTransformer, reference_large, reference_small
from t2w.generator.units import UnitConfig, UnitTransformer

__all__ = ["PRESETS", "Network", "NetworkConfig", "build_network", "config_from_dict", "preset"]

NetworkConfig: TypeAlias = GeneratorConfig | ReferenceConfig | UnitConfig
Network: TypeAlias = WeightTransformer | ReferenceTransformer | UnitTransformer

PRESETS: dict[str, Callable[..., NetworkConfig]] = {
    "tiny": tiny,
    "small": small,
    "reference-small": reference_small,
    "reference-large": reference_large,
}


def preset(name: str, spec: AdapterSpec, text_dim: int, **changes: Any) -> NetworkConfig:
    """The config called `name`, with fields changed.

    Raises:
        T2WError: no preset of that name, or a field out of range.
    """
    if name not in PRESETS:
        raise T2WError(f"no generator preset {name!r}{nearest(name, PRESETS)}", expected=f"one of {', '.join(PRESETS)}")
    return PRESETS[name](spec, text_dim, **changes)


def build_network(config: NetworkConfig, *, seed: int = 0) -> Network:
    """A network with initial weights that depend on the config and the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if isinstance(config, ReferenceConfig):
            return ReferenceTransformer(config)
        return UnitTransformer(config) if isinstance(config, UnitConfig) else WeightTransformer(config)


def config_from_dict(values: Mapping[str, Any]) -> NetworkConfig:
    """The inverse of `to_dict` of any kind. Raises T2WError where a field is missing, unknown or out of range."""
    kinds: dict[str, type[ReferenceConfig] | type[UnitConfig]] = {k.kind: k for k in (ReferenceConfig, UnitConfig)}
    return kinds.get(values.get("kind", ""), GeneratorConfig).from_dict(values)
