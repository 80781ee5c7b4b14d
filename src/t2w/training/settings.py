"""What a training run is, apart from its data and its network."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from t2w.errors import T2WError

__all__ = ["MixedPrecision", "TrainSettings", "Weighting"]

MixedPrecision = Literal["no", "bf16"]
Weighting = Literal["uniform", "min_snr"]


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """Settings of `train_generator`.

    Attributes:
        steps: optimiser steps.
        batch_size: tasks per step, at most the number of training tasks.
        learning_rate: the highest, reached after `warmup` steps, then along a cosine to 0.
        weight_decay: of matrices; biases, norms and positions have none.
        warmup: steps of linear rise from 0.
        clip: greatest global gradient norm.
        ema_decay: of the averaged weights that are returned; 0 for none. The first steps use less, so that the initial
            weights are soon forgotten.
        weighting: of the loss over timesteps, "uniform" (the paper's) or "min_snr" (min(SNR, 5), Hang et al. 2023,
            which in x_0-prediction turns away from the noisiest timesteps).
        mixed_precision: "bf16" only where the processor multiplies it faster than float32; most CPUs do not.
        seed: of initial order, noise and timesteps.
        log_every: steps between losses kept for the curves.
        validate_every: steps between validation losses.
        checkpoint_every: steps between checkpoints, where there is a folder for them.

    Raises:
        T2WError: a value outside its range, the message naming it.
    """

    steps: int = 1500
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: int = 100
    clip: float = 1.0
    ema_decay: float = 0.995
    weighting: Weighting = "uniform"
    mixed_precision: MixedPrecision = "no"
    seed: int = 0
    log_every: int = 10
    validate_every: int = 100
    checkpoint_every: int = 250

    def __post_init__(self) -> None:
        counts = {"steps": 1, "batch_size": 1, "warmup": 0, "log_every": 1, "validate_every": 1, "checkpoint_every": 1}
        for name, least in counts.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise T2WError(f"train {name} is {value!r}", expected=f"a whole number, {least} or more")
        for name, low, high in (
            ("learning_rate", 0.0, 10.0), ("weight_decay", -1e-30, 1e6), ("clip", 0.0, 1e9), ("ema_decay", -1e-30, 1.0)
        ):  # fmt: skip
            value = getattr(self, name)
            if not (math.isfinite(value) and low < value < high):
                raise T2WError(f"train {name} is {value!r}", expected=f"above {max(low, 0):g} and below {high:g}")
        for name, known in (("weighting", get_args(Weighting)), ("mixed_precision", get_args(MixedPrecision))):
            if getattr(self, name) not in known:
                raise T2WError(f"train {name} is {getattr(self, name)!r}", expected=f"one of {', '.join(known)}")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def rate(self, step: int) -> float:
        """Share of `learning_rate` used at a step: linear warm-up, then a cosine to 0 at the end."""
        if step < self.warmup:
            return (step + 1) / (self.warmup + 1)
        return 0.5 * (1 + math.cos(math.pi * (step - self.warmup) / max(self.steps - self.warmup, 1)))
