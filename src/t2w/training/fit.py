"""From adapters and their conditions to a Generator, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from t2w.generator import Condition, Generator, GeneratorConfig, Normalizer, build_network
from t2w.training.loop import TrainResult, train_generator
from t2w.training.settings import TrainSettings

__all__ = ["fit_generator"]


def fit_generator(
    config: GeneratorConfig,
    base: Tensor,
    vectors: Tensor,
    condition: Condition,
    *,
    settings: TrainSettings,
    validation: tuple[Tensor, Condition] | None = None,
    identity: Mapping[str, Any] | None = None,
    checkpoints: str | Path | None = None,
    device: torch.device | str = "cpu",
) -> tuple[Generator, TrainResult]:
    """Normalise, build, train.

    Args:
        config: of the generator; its `conditioning` must be that of the conditions.
        base: (P,) the adapter all others started from.
        vectors: (T, P) training adapters, as trained (not normalised).
        condition: of the same T tasks.
        settings: of the run.
        validation: adapters (V, P), as trained, and conditions of validation tasks; None for no validation.
        identity: stored with the generator (`Generator.identity`).
        checkpoints: folder of the run's checkpoint, continued where there is one; None for none.
        device: where to train; the generator stays there.

    Raises:
        T2WError: see `train_generator` and `Normalizer.fit`.
    """
    normalizer = Normalizer.fit(base, vectors)
    network = build_network(config, seed=settings.seed)
    result = train_generator(
        network,
        normalizer.normalize(vectors),
        condition,
        settings=settings,
        validation=None if validation is None else (normalizer.normalize(validation[0]), validation[1]),
        checkpoints=checkpoints,
        device=device,
    )
    return Generator(network, normalizer, identity), result
