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

__all__ = ["PRESETS", "Network", "NetworkConfig", "build_network", "config_from_dict", "preset"]

NetworkConfig: TypeAlias = GeneratorConfig | ReferenceConfig
Network: TypeAlias = WeightTransformer | ReferenceTransformer

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
        return ReferenceTransformer(config) if isinstance(config, ReferenceConfig) else WeightTransformer(config)


def config_from_dict(values: Mapping[str, Any]) -> NetworkConfig:
    """The inverse of `to_dict` of either kind. Raises T2WError where a field is missing, unknown or out of range."""
    if values.get("kind") == ReferenceConfig.kind:
        return ReferenceConfig.from_dict(values)
    return GeneratorConfig.from_dict(values)
