"""The generator's own rows: single samples, ensembles of samples, and accuracy along the denoising steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from t2w.adapters import Adapter
from t2w.evaluation.bench import Bench, Tasks
from t2w.evaluation.report import DenoisingCurve
from t2w.evaluation.statistics import bootstrap_mean
from t2w.generator import Condition, Generator, Sampling, condition_of_evidence
from t2w.progress import track

__all__ = ["Sampled", "denoising_curve", "ensemble_scores", "sample_scores"]


@dataclass(frozen=True, eq=False)
class Sampled:
    """A generator and how it is sampled."""

    generator: Generator
    how: Sampling

    def vectors(self, bench: Bench, tasks: Tasks, *, seed: int) -> torch.Tensor:
        """(T, P) one adapter per task, from the noise of `seed`."""
        return self.generator.generate(self.condition(bench, tasks), self.how, seed=seed)

    def condition(self, bench: Bench, tasks: Tasks) -> Condition:
        """The condition of some tasks; evidence is padded to the bench's hidden units, as its other vectors are."""
        if bench.evidence is not None:
            return condition_of_evidence(bench.evidence, tasks, width=bench.spec.hidden)
        return self.generator.condition(bench.text, tasks)


def sample_scores(sampled: Sampled, bench: Bench, tasks: Tasks, *, seeds: Sequence[int]) -> np.ndarray:
    """(T,) accuracy of single samples, the mean over noise seeds."""
    scores = [
        bench.score(sampled.vectors(bench, tasks, seed=seed), tasks)
        for seed in track(seeds, "generated", total=len(seeds), unit="seed")
    ]
    return np.asarray(np.mean(scores, axis=0))


def ensemble_scores(sampled: Sampled, bench: Bench, tasks: Tasks, *, samples: int, seed: int) -> np.ndarray:
    """(T,) accuracy of the mean probabilities of `samples` adapters drawn for the same text."""
    drawn = [
        sampled.vectors(bench, tasks, seed=seed + i)
        for i in track(range(samples), "ensemble", total=samples, unit="sample")
    ]
    stacked = torch.stack(drawn)  # (S, T, P)
    scores = []
    for position, task in enumerate(tasks):
        images = bench.test.of_classes([bench.test.class_names[c] for c in task])
        x, text = images.dense(), bench.text[list(task)]
        with torch.no_grad():
            adapters = [Adapter.from_vector(bench.spec, vector) for vector in stacked[:, position]]
            probabilities = torch.stack([adapter.logits(x, text).softmax(-1) for adapter in adapters]).mean(0)
        scores.append(float((probabilities.argmax(-1) == images.labels).double().mean()))
    return np.array(scores)


def denoising_curve(
    sampled: Sampled,
    bench: Bench,
    tasks: Tasks,
    *,
    split: str,
    seed: int,
    references: dict[str, float],
    **bootstrap: Any,
) -> DenoisingCurve:
    """Follow one sample of each task through its denoising steps."""
    condition = sampled.condition(bench, tasks)
    path, _, timesteps = sampled.generator.trajectory(condition, sampled.how, seed=seed)
    means = [bootstrap_mean(bench.score(vectors, tasks), **bootstrap) for vectors in path]
    return DenoisingCurve(
        split,
        timesteps,
        tuple(m.mean for m in means),
        tuple(m.low for m in means),
        tuple(m.high for m in means),
        references,
    )
