"""What every method on the scoreboard is given, and the one way all of them are scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from t2w.adapters import AdapterSpec, UnitStarts, accuracy
from t2w.adapters.holdout import held_out
from t2w.concepts import Evidence
from t2w.features import FeatureSet
from t2w.generator import condition_of

__all__ = ["Bench", "Tasks"]

Tasks = Sequence[Sequence[int]]  # per task, its classes as positions in the class texts


@dataclass(frozen=True, eq=False)
class Bench:
    """Data shared by all methods."""

    spec: AdapterSpec  # the sizes of the tasks' adapters
    base: Tensor  # (P_base,) the shared adapter of all seen classes
    text: Tensor  # (C, out) L2-normalised class texts
    train: FeatureSet  # training images' features; what may be learnt from
    validation_fraction: float  # the share of them held out of all training
    test: FeatureSet  # test images' features; only ever used to score
    seen: tuple[int, ...]  # positions of the classes that training may touch
    train_tasks: Tasks  # in the order of `train_vectors`
    train_vectors: Tensor  # (T, P) the training tasks' adapters
    validation_tasks: Tasks  # the tasks on which hyper-parameters are chosen
    seed: int  # of everything drawn here
    device: torch.device  # where scoring runs
    base_spec: AdapterSpec  # the sizes of `base`; other than `spec` where tasks do not start from it
    evidence: Evidence | None = None  # what each class is known by; None where adapters start from `base`
    starts: UnitStarts | None = None  # where each task starts; None for `base`

    def start(self, tasks: Tasks) -> Tensor:
        """(T, P) where the tasks' adapters start: at the base, or at their evidence."""
        return self.base.expand(len(tasks), -1) if self.starts is None else self.starts.of(self.spec, tasks)

    def score(self, vectors: Tensor, tasks: Tasks, *, spec: AdapterSpec | None = None) -> np.ndarray:
        """(T,) top-1 accuracy in 0..1 on the test images of each task's classes; `spec`: None for the bench's own."""
        return self._score(vectors, tasks, self.test, spec)

    def score_held_out(self, vectors: Tensor, tasks: Tasks, *, spec: AdapterSpec | None = None) -> np.ndarray:
        """The same on `held_out`: what hyper-parameters are chosen by."""
        return self._score(vectors, tasks, self.held_out, spec)

    def _score(self, vectors: Tensor, tasks: Tasks, images: FeatureSet, spec: AdapterSpec | None) -> np.ndarray:
        top1 = accuracy(spec or self.spec, vectors, images, self.text, tasks, device=self.device)
        return np.asarray(top1.double().numpy())

    @cached_property
    def held_out(self) -> FeatureSet:
        """The training images that neither base nor adapters were trained on; all, where a class has none of those."""
        return held_out(self.train, self.validation_fraction) or self.train

    def pooled(self, tasks: Tasks) -> Tensor:
        """(T, out) each task's text in one vector, by the paper's prior attention."""
        return condition_of(self.text, tasks, conditioning="pooled").tokens[:, 0]
