"""From adapters and their conditions to a Generator, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from t2w.adapters.store import Vectors
from t2w.concepts import Concepts
from t2w.generator import Condition, Generator, NetworkConfig, Normalizer, UnitNormalizer, build_network
from t2w.training.inputs import Functional, TrainResult, Validation
from t2w.training.loop import train_generator
from t2w.training.settings import TrainSettings

__all__ = ["fit_generator"]


def fit_generator(
    config: NetworkConfig,
    base: Tensor,
    vectors: Vectors,
    condition: Condition,
    *,
    settings: TrainSettings,
    normalizer: Normalizer | UnitNormalizer | None = None,
    validation: Validation | None = None,
    functional: Functional | None = None,
    initial: Mapping[str, Tensor] | None = None,
    provenance: Mapping[str, Any] | None = None,
    known: Tensor | None = None,
    concepts: Concepts | None = None,
    checkpoints: str | Path | None = None,
    device: torch.device | str = "cpu",
) -> tuple[Generator, TrainResult]:
    """Normalise, build, train.

    Args:
        config: of the generator; its `conditioning` must be that of the conditions.
        base: (P,) the adapter all others started from.
        vectors: (T, P) training adapters, as trained (not normalised); a tensor or memory-mapped.
        condition: of the same T tasks.
        settings: of the run.
        normalizer: between adapters and what the network sees; None fits one to the training adapters.
        validation: its adapters as trained (not normalised); None for no validation.
        functional: what the second phase works on; None where there is none.
        initial: the network's first weights; None for new ones.
        provenance: stored with the generator.
        known: (C, text_dim) texts of the classes trained with, stored with the generator; None for none.
        concepts: stored with the generator; None for none.
        checkpoints: folder of the run's checkpoints, continued where there are some; None for none.
        device: where to train; the generator stays there.

    Raises:
        T2WError: see `train_generator` and `Normalizer.fit`.
    """
    normalizer = normalizer or Normalizer.fit(base, vectors)
    network = build_network(config, seed=settings.seed)
    if initial is not None:
        network.load_state_dict(initial)
    if validation is not None:
        validation = replace(validation, x_0=normalizer.normalize(validation.x_0, validation.condition))
    result = train_generator(
        network,
        vectors,
        condition,
        settings=settings,
        normalizer=normalizer,
        validation=validation,
        functional=functional,
        checkpoints=checkpoints,
        device=device,
    )
    return Generator(network, normalizer, provenance, known, concepts), result
