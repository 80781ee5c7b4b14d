"""What a training run is, apart from its data and its network."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from t2w.settings import Count, Fraction, NonNegative, Operational, Positive, Range, Rate, Settings, Share, Whole

__all__ = ["FunctionalSettings", "TrainSettings", "Weighting"]

Weighting = Literal["uniform", "min_snr"]


@dataclass(frozen=True, kw_only=True)
class FunctionalSettings(Settings):
    """The second phase, on the task's own cross-entropy.

    Attributes:
        steps: optimiser steps; 0 for no second phase.
        batch_size: new tasks per step.
        images: training images per task and step.
        learning_rate: the highest, reached after `warmup` steps, then along a cosine to 0.
        warmup: steps of linear rise from 0.
        noisy_share: share of the tasks at pure noise; the others are at timesteps drawn evenly, from the network's own
            prediction, so that every sampler finds a trained network on its way.
        feature_noise: standard deviation of noise added to the images' features, in units of their own spread. Larger:
            the training images are overfitted later.
        teacher: share of the target that is the probabilities of a linear classifier of all seen classes, fitted to the
            same training images (see `t2w.training.teacher`).
        label_smoothing: share of the target given to all classes alike. Larger: less sure, overfits later.
    """

    section: ClassVar[str] = "train.functional"

    steps: Whole = 0
    batch_size: Count = 32
    images: Count = 128
    learning_rate: Rate = 3e-4
    warmup: Whole = 50
    noisy_share: Fraction = 0.5
    feature_noise: NonNegative = 0.0
    teacher: Fraction = 0.0
    label_smoothing: Share = 0.0


@dataclass(frozen=True, kw_only=True)
class TrainSettings(Settings):
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
        condition_dropout: share of the tasks trained without their text; needed for guidance.
        text_noise: how far class texts are blurred (see `with_noise`), evenly from 0 to this level over the tasks.
            Larger: what is learnt of a text reaches further, and less of it is overfitted.
        permutation: renumber the hidden units of every training adapter at random, at every step.
        adversarial: weight of the discriminator's verdict in the generator's loss; 0 for no discriminator.
        functional: the second phase.
        select: which checkpoint is kept as the best and returned: lowest "validation_loss", highest
            "validation_accuracy" (of generated adapters, on held-out training images), or simply the "last".
        mixed_precision: "bf16" or "fp16" only where the processor multiplies them faster; most CPUs do not.
        compile: torch.compile the network; pays on GPUs and for long runs.
        seed: of initial weights, order, noise and timesteps.
        log_every: steps between losses kept for the curves.
        validate_every: steps between validations.
        checkpoint_every: steps between checkpoints, where there is a folder for them.
        keep: periodic checkpoints kept beside the last and the best; older ones are removed.
        trackers: where losses are logged besides.
    """

    section: ClassVar[str] = "train"

    steps: Whole = 1500
    batch_size: Count = 64
    learning_rate: Rate = 1e-3
    weight_decay: NonNegative = 0.01
    beta2: Annotated[float, Range(0, 1, above=True, below=True)] = 0.99
    warmup: Whole = 100
    clip: Positive = 1.0
    accumulate: Count = 1
    ema_decay: Share = 0.995
    ema_warmup: bool = True
    weighting: Weighting = "uniform"
    timestep_sampler: Literal["uniform", "loss-second-moment"] = "uniform"
    condition_dropout: Share = 0.0
    text_noise: NonNegative = 0.0
    permutation: bool = False
    adversarial: NonNegative = 0.0
    functional: FunctionalSettings = field(default_factory=FunctionalSettings)
    select: Literal["validation_loss", "validation_accuracy", "last"] = "last"
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    compile: bool = False
    seed: Whole = 0
    log_every: Operational[Count] = 10
    validate_every: Count = 100
    checkpoint_every: Operational[Count] = 250
    keep: Operational[Whole] = 1
    trackers: Operational[tuple[Literal["tensorboard", "wandb"], ...]] = ()

    def rules(self) -> Iterator[str]:
        if self.total_steps < 1:
            yield "train.steps is 0 and train.functional.steps, too; expected at least one step"
        for name, size in (("batch_size", self.batch_size), ("functional.batch_size", self.functional.batch_size)):
            if size % self.accumulate:
                yield f"train.{name} is {size}; expected a multiple of train.accumulate = {self.accumulate}"

    def results(self) -> dict[str, Any]:
        found = super().results()
        if self.select == "last":  # validations are then only shown
            del found["validate_every"]
        return found

    @property
    def total_steps(self) -> int:
        """Of both phases."""
        return self.steps + self.functional.steps

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
