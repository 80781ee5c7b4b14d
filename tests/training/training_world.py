"""A toy whose trained weights say nothing of their tasks: what makes a good adapter is learnt from images alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters import AdapterSpec, accuracy, task_logits
from t2w.adapters.holdout import class_rows, held_out
from t2w.features import FeatureSet
from t2w.generator import Condition, Generator, GeneratorConfig, Normalizer, condition_of
from t2w.training import (
    Functional,
    FunctionalSettings,
    RandomTasks,
    TrainResult,
    TrainSettings,
    Validation,
    fit_generator,
)

SPEC = AdapterSpec(in_features=6, hidden=6, out_features=5, logit_scale=10.0)
CONFIG = GeneratorConfig(SPEC, text_dim=5, n_embd=16, n_layer=1, n_head=2)
FRACTION = 0.25  # of each class's images held out
SEEN = [0, 1, 3, 4, 5, 7, 8, 9]
SETTINGS = TrainSettings(
    steps=6, batch_size=8, learning_rate=3e-3, warmup=2, log_every=2, validate_every=3, checkpoint_every=3,
    functional=FunctionalSettings(steps=6, batch_size=4, images=9, learning_rate=3e-3, warmup=1),
)  # fmt: skip


@dataclass
class World:
    features: FeatureSet
    text: Tensor  # (10, 5) unit
    vectors: Tensor  # (20, P), noise
    condition: Condition
    tasks: list[list[int]]  # validation tasks

    @property
    def normalizer(self) -> Normalizer:
        return Normalizer.fit(torch.zeros(SPEC.size), self.vectors)

    def random_tasks(self, **changes: Any) -> RandomTasks:
        forbidden = {frozenset(task) for task in self.tasks}
        given: dict[str, Any] = {
            "features": self.features,
            "classes": SEEN,
            "sizes": (2, 4),
            "validation_fraction": FRACTION,
            "forbidden": forbidden,
        }
        return RandomTasks(**(given | changes))

    def validation(self) -> Validation:
        condition = condition_of(self.text, self.tasks)
        images = held_out(self.features, FRACTION)
        assert images is not None

        def measure(network: Any) -> float:
            vectors = Generator(network, self.normalizer).generate(condition, steps=1)
            return float(accuracy(SPEC, vectors, images, self.text, self.tasks).mean())

        return Validation(self.vectors[: len(self.tasks)], condition, measure)

    def cross_entropy(self, vectors: Tensor) -> float:
        """Of adapters for the validation tasks, on images that are held out."""
        losses = []
        for vector, task in zip(vectors, self.tasks, strict=True):
            rows = class_rows(self.features, validation_fraction=FRACTION).held_out
            x = self.features.rows(torch.cat([rows[c] for c in task]))[None]
            labels = torch.arange(len(task)).repeat_interleave(torch.tensor([len(rows[c]) for c in task]))
            logits = task_logits(
                SPEC, vector[None], x, self.text[task][None], torch.ones(1, len(task), dtype=torch.bool)
            )
            losses.append(F.cross_entropy(logits[0], labels))
        return float(torch.stack(losses).mean())

    def train(
        self, folder: Path | None = None, settings: TrainSettings = SETTINGS, **changes: Any
    ) -> tuple[Generator, TrainResult]:
        return fit_generator(
            CONFIG, self.normalizer, self.vectors, self.condition, settings=replace(settings, **changes),
            validation=self.validation(), checkpoints=folder,
            functional=Functional(self.random_tasks(), self.text),
        )  # fmt: skip


def make_world() -> World:
    rng = torch.Generator().manual_seed(0)
    text = F.normalize(torch.randn(10, 5, generator=rng), dim=1)
    labels = torch.arange(10).repeat_interleave(16)[torch.randperm(160, generator=rng)]
    images = text[labels] @ torch.randn(5, 6, generator=rng) + 0.1 * torch.randn(160, 6, generator=rng)
    names = tuple(f"class {c}" for c in range(10))
    features = FeatureSet(images, None, labels, names, "synthetic", "none", "train")
    tasks = [[SEEN[i] for i in torch.randperm(8, generator=rng)[: 2 + n % 3].tolist()] for n in range(20)]
    vectors = 0.5 * torch.randn(20, SPEC.size, generator=rng)
    return World(features, text, vectors, condition_of(text, tasks), [[0, 3], [1, 4, 5], [7, 8, 9, 0], [5, 9]])
