"""What a training run is, apart from its data and its network."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from t2w.errors import T2WError, nearest

__all__ = ["FunctionalSettings", "MixedPrecision", "Select", "TimestepSampler", "TrainSettings", "Weighting"]

MixedPrecision = Literal["no", "bf16", "fp16"]
Weighting = Literal["uniform", "min_snr"]
TimestepSampler = Literal["uniform", "loss-second-moment"]
Select = Literal["validation_loss", "validation_accuracy", "last"]


@dataclass(frozen=True, kw_only=True)
class FunctionalSettings:
    """Settings of the second phase, on the task's own cross-entropy.

    Attributes:
        steps: optimiser steps; 0 for no second phase.
        batch_size: fresh tasks per step.
        images: training images per task and step.
        learning_rate: the highest, reached after `warmup` steps, then along a cosine to 0.
        warmup: steps of linear rise from 0.
        noisy_share: share of the tasks at pure noise, in [0, 1]; the others are at timesteps drawn evenly, from the
            network's own prediction, so that every sampler finds a trained network on its way.
        feature_noise: standard deviation of noise added to the images' features, in units of their own spread. Larger:
            the training images are learnt by heart later.
        teacher: share of the target that is the probabilities of a linear classifier of all seen classes, fitted to the
            same training images (see `t2w.training.teacher`), in [0, 1].
        label_smoothing: share of the target given to all classes alike, in [0, 1). Larger: less sure, overfits later.

    Raises:
        T2WError: a value outside its range, the message naming it.
    """

    steps: int = 0
    batch_size: int = 32
    images: int = 128
    learning_rate: float = 3e-4
    warmup: int = 50
    noisy_share: float = 0.5
    feature_noise: float = 0.0
    teacher: float = 0.0
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        _check_counts(self, "functional ", {"steps": 0, "batch_size": 1, "images": 1, "warmup": 0})
        _check_ranges(
            self,
            "functional ",
            (
                ("learning_rate", 0.0, 10.0),
                ("noisy_share", -1e-30, 1 + 1e-9),
                ("feature_noise", -1e-30, 100.0),
                ("teacher", -1e-30, 1 + 1e-9),
                ("label_smoothing", -1e-30, 1.0),
            ),
        )


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """Settings of `train_generator`: a phase on the adapters' weights, then, if asked for, one on the task loss.

    Attributes:
        steps: optimiser steps of the first phase.
        batch_size: tasks per step, over all processes; at most the number of training tasks.
        learning_rate: the highest, reached after `warmup` steps, then along a cosine to 0.
        weight_decay: of matrices; biases, norms and positions have none.
        beta2: AdamW's second decay rate.
        warmup: steps of linear rise from 0.
        clip: greatest global gradient norm.
        accumulate: equal parts a step's batch is worked through in: less memory, the same result.
        ema_decay: of the averaged weights that are returned; 0 for none.
        ema_warmup: average less at first, so that the initial weights are soon forgotten.
        weighting: of the loss over timesteps, "uniform" (the paper's) or "min_snr" (min(SNR, 5), Hang et al. 2023,
            which in x_0-prediction turns away from the noisiest timesteps).
        timestep_sampler: how timesteps are drawn: "uniform", or "loss-second-moment" (Nichol and Dhariwal 2021).
        condition_dropout: share of the tasks trained without their text, in [0, 1); needed for guidance.
        text_noise: how far class texts are blurred (see `with_noise`), evenly from 0 to this level over the tasks.
            Larger: what is learnt of a text reaches further, and less of it is learnt by heart.
        permutation: renumber the hidden units of every training adapter at random, at every step.
        adversarial: weight of the discriminator's verdict in the generator's loss; 0 for no discriminator.
        functional: the second phase.
        select: which checkpoint is kept as the best and returned: lowest "validation_loss", highest
            "validation_accuracy" (of generated adapters, on held-out training images), or simply the "last".
        mixed_precision: "bf16" or "fp16" only where the processor multiplies them faster; most CPUs do not.
        compile: torch.compile the network; pays on GPUs and for long runs.
        seed: of initial order, noise and timesteps.
        log_every: steps between losses kept for the curves.
        validate_every: steps between validations.
        checkpoint_every: steps between checkpoints, where there is a folder for them.
        keep: periodic checkpoints kept beside the last and the best; older ones are removed.
        trackers: "tensorboard", "wandb": where losses are logged besides.

    Raises:
        T2WError: a value outside its range, the message naming it.
    """

    steps: int = 1500
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    beta2: float = 0.99
    warmup: int = 100
    clip: float = 1.0
    accumulate: int = 1
    ema_decay: float = 0.995
    ema_warmup: bool = True
    weighting: Weighting = "uniform"
    timestep_sampler: TimestepSampler = "uniform"
    condition_dropout: float = 0.0
    text_noise: float = 0.0
    permutation: bool = False
    adversarial: float = 0.0
    functional: FunctionalSettings = field(default_factory=FunctionalSettings)
    select: Select = "last"
    mixed_precision: MixedPrecision = "no"
    compile: bool = False
    seed: int = 0
    log_every: int = 10
    validate_every: int = 100
    checkpoint_every: int = 250
    keep: int = 1
    trackers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        counts = {"steps": 0, "batch_size": 1, "warmup": 0, "accumulate": 1, "keep": 0}
        _check_counts(self, "", counts | {"log_every": 1, "validate_every": 1, "checkpoint_every": 1})
        if self.total_steps < 1:
            raise T2WError("train steps is 0 and there is no functional phase", expected="at least one step")
        _check_ranges(
            self,
            "",
            (
                ("learning_rate", 0.0, 10.0), ("weight_decay", -1e-30, 1e6), ("clip", 0.0, 1e9), ("beta2", 0.0, 1.0),
                ("ema_decay", -1e-30, 1.0), ("condition_dropout", -1e-30, 1.0), ("text_noise", -1e-30, 100.0),
                ("adversarial", -1e-30, 1e6),
            ),
        )  # fmt: skip
        for name, known in (
            ("weighting", get_args(Weighting)), ("mixed_precision", get_args(MixedPrecision)),
            ("timestep_sampler", get_args(TimestepSampler)), ("select", get_args(Select)),
        ):  # fmt: skip
            value = getattr(self, name)
            if value not in known:
                raise T2WError(
                    f"train {name} is {value!r}{nearest(str(value), known)}", expected=f"one of {', '.join(known)}"
                )
        for name in ("batch_size", "functional.batch_size"):
            size = self.functional.batch_size if name.startswith("functional") else self.batch_size
            if size % self.accumulate:
                raise T2WError(f"train {name} is {size}", expected=f"a multiple of accumulate = {self.accumulate}")

    @property
    def total_steps(self) -> int:
        """Of both phases."""
        return self.steps + self.functional.steps

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"trackers": list(self.trackers)}

    def rate(self, step: int) -> float:
        """Learning rate of a step, counted over both phases: each a linear warm-up, then a cosine to 0 at its end."""
        if step < self.steps or not self.functional.steps:
            return self.learning_rate * _warmup_cosine(step, self.steps, self.warmup)
        second = self.functional
        return second.learning_rate * _warmup_cosine(step - self.steps, second.steps, second.warmup)


def _warmup_cosine(step: int, steps: int, warmup: int) -> float:
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(steps - warmup, 1)))


def _check_counts(settings: object, prefix: str, counts: dict[str, int]) -> None:
    for name, least in counts.items():
        value = getattr(settings, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise T2WError(f"train {prefix}{name} is {value!r}", expected=f"a whole number, {least} or more")


def _check_ranges(settings: object, prefix: str, ranges: Iterable[tuple[str, float, float]]) -> None:
    for name, low, high in ranges:
        value = getattr(settings, name)
        if not (math.isfinite(value) and low < value < high):
            raise T2WError(f"train {prefix}{name} is {value!r}", expected=f"above {max(low, 0):g} and below {high:g}")
