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
    """The second phase, on the task's own cross-entropy."""

    section: ClassVar[str] = "train.functional"

    steps: Whole = 0  # optimiser steps; 0 for no second phase
    batch_size: Count = 32  # new tasks per step
    images: Count = 128  # training images per task and step
    learning_rate: Rate = 3e-4  # the highest, reached after `warmup` steps, then along a cosine to 0
    warmup: Whole = 50  # steps of linear rise from 0
    # Share of the tasks at pure noise; the others are at timesteps drawn evenly, from the network's own prediction, so
    # that every sampler meets a trained network on its way.
    noisy_share: Fraction = 0.5
    feature_noise: NonNegative = 0.0  # added to features, in units of their spread. Larger: less, later overfitting
    teacher: Fraction = 0.0  # share of the target that a linear head of all seen classes says (see `functional.py`)
    label_smoothing: Share = 0.0  # share of the target given to all classes alike. Larger: less sure


@dataclass(frozen=True, kw_only=True)
class TrainSettings(Settings):
    """Settings of `fit_generator`: a phase on the adapters' weights, then, if asked for, one on the task loss."""

    section: ClassVar[str] = "train"

    steps: Whole = 1500  # optimiser steps of the first phase
    batch_size: Count = 64  # tasks per step, over all processes; at most the number of training tasks
    learning_rate: Rate = 1e-3  # the highest, reached after `warmup` steps, then along a cosine to 0
    weight_decay: NonNegative = 0.01  # of matrices; biases, norms and positions have none
    beta2: Annotated[float, Range(0, 1, above=True, below=True)] = 0.99  # AdamW's second decay rate
    warmup: Whole = 100  # steps of linear rise from 0
    clip: Positive = 1.0  # greatest global gradient norm
    accumulate: Count = 1  # equal parts a step's batch is worked through in: less memory, the same result
    ema_decay: Share = 0.995  # of the averaged weights that are returned; 0 for none
    ema_warmup: bool = True  # average less at first, so that the initial weights are soon forgotten
    # Of the loss over timesteps: the paper's, or min(SNR, 5) (Hang et al. 2023), which in x_0-prediction turns away
    # from the noisiest timesteps.
    weighting: Weighting = "uniform"
    timestep_sampler: Literal["uniform", "loss-second-moment"] = "uniform"  # or Nichol and Dhariwal 2021
    condition_dropout: Share = 0.0  # share of the tasks trained without their text; needed for guidance
    # How far class texts are blurred (see `with_noise`), evenly from 0 to this level over the tasks. Larger: what is
    # learnt of a text reaches further, and less of it is overfitted.
    text_noise: NonNegative = 0.0
    permutation: bool = False  # renumber the hidden units of every training adapter at random, at every step
    adversarial: NonNegative = 0.0  # weight of the discriminator's verdict in the loss; 0 for no discriminator
    functional: FunctionalSettings = field(default_factory=FunctionalSettings)
    # Which weights are returned: of the lowest validation loss, of the highest accuracy (of generated adapters, on
    # held-out training images), or simply the last.
    select: Literal["validation_loss", "validation_accuracy", "last"] = "last"
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"  # only where they multiply faster; on most CPUs not
    compile: bool = False  # torch.compile the network; pays on GPUs and for long runs
    seed: Whole = 0  # of initial weights, order, noise and timesteps
    log_every: Operational[Count] = 10  # steps between losses kept for the curves
    validate_every: Count = 100  # steps
    checkpoint_every: Operational[Count] = 250  # steps, where there is a folder for checkpoints
    keep: Operational[Whole] = 1  # checkpoints beside the last and the best; older ones are removed
    trackers: Operational[tuple[Literal["tensorboard", "wandb"], ...]] = ()  # where losses are logged besides

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
