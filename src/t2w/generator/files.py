"""A generator's file: tensors of network, normaliser, known texts and concepts; config and provenance as metadata."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from t2w.concepts import Concepts
from t2w.errors import T2WError
from t2w.files import load_tensors, save_tensors
from t2w.generator.build import NetworkConfig, build_network, config_from_dict
from t2w.generator.config import UnitConfig
from t2w.generator.normalizer import Normalizer, UnitNormalizer

if TYPE_CHECKING:
    from t2w.generator.generator import Generator

__all__ = ["load_generator", "save_generator"]

_FORMAT, _VERSION = "t2w-generator", 3
_READABLE = (2, _VERSION)  # 2: without known texts
_WHAT = "a generator saved by t2w"
_KNOWN, _CONCEPTS = "known_text", "concepts."


def save_generator(generator: Generator, path: str | Path) -> None:
    tensors = {f"network.{name}": value for name, value in generator.network.state_dict().items()}
    tensors |= {f"normalizer.{name}": value for name, value in generator.normalizer.state_dict().items()}
    tensors |= {} if generator.known is None else {_KNOWN: generator.known}
    metadata = {
        "format": _FORMAT,
        "version": _VERSION,
        "config": generator.config.to_dict(),
        "identity": generator.provenance,  # the key of the first versions
    }
    if generator.concepts is not None:
        tensors |= {f"{_CONCEPTS}{name}": value for name, value in generator.concepts.tensors().items()}
        metadata["concepts"] = [list(names) for names in generator.concepts.names]
    save_tensors(path, tensors, metadata)


def load_generator(path: str | Path) -> Generator:
    """Read what `save_generator` wrote, on the CPU. Raises T2WError: see `Generator.load`."""
    from t2w.generator.generator import Generator

    tensors, metadata = load_tensors(path, what=_WHAT)
    if metadata.get("format") != _FORMAT:
        raise T2WError(f"{path} holds {metadata.get('format', 'other tensors')!r}", expected=_WHAT)
    if metadata.get("version") not in _READABLE:
        raise T2WError(
            f"{path} has generator format {metadata.get('version')!r}",
            expected=f"format {' or '.join(map(str, _READABLE))}",
            fix="read it with the version of t2w that wrote it",
        )
    config = config_from_dict(metadata.get("config", {}))
    network, normalizer = _part(tensors, "network."), _part(tensors, "normalizer.")
    with torch.device("meta"):
        state = build_network(config).state_dict()
    expected = {f"network.{name}": tuple(value.shape) for name, value in state.items()}
    expected |= {f"normalizer.{name}": shape for name, shape in _normalizer_shapes(config, normalizer).items()}
    if _KNOWN in tensors:
        expected[_KNOWN] = (*tensors[_KNOWN].shape[:1], config.text_dim)
    found = {name: tuple(value.shape) for name, value in tensors.items() if not name.startswith(_CONCEPTS)}
    for name in [*expected, *found]:
        if found.get(name) != expected.get(name):
            raise T2WError(
                f"{path}: tensor {name} is {found.get(name, 'absent')}",
                expected=f"{expected.get(name, 'absent')} by the config stored in the file",
                fix="the file was altered; copy or train it again",
            )
    concepts = None
    if "concepts" in metadata:
        concepts = Concepts.from_tensors(metadata["concepts"], _part(tensors, _CONCEPTS))
    built = build_network(config)
    built.load_state_dict(network)
    made: Normalizer | UnitNormalizer
    if isinstance(config, UnitConfig):
        made = UnitNormalizer(config.spec, config.gain, **normalizer)
    else:
        made = Normalizer(**normalizer)
    return Generator(built, made, metadata.get("identity", {}), tensors.get(_KNOWN), concepts)


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Stored in half precision or not, computed with in single."""
    found = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    return {name: value.float() if value.is_floating_point() else value for name, value in found.items()}


def _normalizer_shapes(config: NetworkConfig, found: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    d, out = config.spec.in_features, config.spec.out_features
    if isinstance(config, UnitConfig):
        return {"unit_std": (d + 1 + out,), "bias_std": (out,), "centres": (len(found.get("centres", ())), d)}
    return dict.fromkeys(("base", "mean", "std"), (config.spec.size,))
