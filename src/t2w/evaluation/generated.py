"""The generator's own rows and pictures: samples, ensembles, accuracy along the denoising steps, single answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from t2w.adapters import Adapter
from t2w.evaluation.bench import Bench, Tasks
from t2w.evaluation.report import DenoisingCurve, Example, ExampleGrid
from t2w.evaluation.statistics import bootstrap_mean
from t2w.generator import Condition, Generator, Sampling, condition_of_evidence
from t2w.progress import track

__all__ = ["Sampled", "denoising_curve", "ensemble_scores", "example_grid", "sample_scores"]

_SHOWN = 24  # pictures of a task


@dataclass(frozen=True, eq=False)
class Sampled:
    """A generator and how it is sampled."""

    generator: Generator
    how: Sampling

    def vectors(self, bench: Bench, tasks: Tasks, *, seed: int) -> Tensor:
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
    seeds = range(seed, seed + samples)
    drawn = [sampled.vectors(bench, tasks, seed=one) for one in track(seeds, "ensemble", total=samples, unit="sample")]
    scores = []
    for position, task in enumerate(tasks):
        images = bench.test.of_classes([bench.test.class_names[c] for c in task])
        x, text = images.dense(), bench.text[list(task)]
        with torch.no_grad():
            adapters = [Adapter.from_vector(bench.spec, vectors[position]) for vectors in drawn]
            probabilities = torch.stack([adapter.logits(x, text).softmax(-1) for adapter in adapters]).mean(0)
        scores.append(float((probabilities.argmax(-1) == images.labels).double().mean()))
    return np.array(scores)


def denoising_curve(
    sampled: Sampled, bench: Bench, tasks: Tasks, *, split: str, seed: int, references: dict[str, float], resamples: int
) -> DenoisingCurve:
    """Follow one sample of each task through its denoising steps."""
    path, _, timesteps = sampled.generator.trajectory(sampled.condition(bench, tasks), sampled.how, seed=seed)
    means = [bootstrap_mean(bench.score(vectors, tasks), resamples=resamples) for vectors in path]
    accuracy, low, high = (tuple(getattr(m, part) for m in means) for part in ("mean", "low", "high"))
    return DenoisingCurve(split, timesteps, accuracy, low, high, references)


def example_grid(
    bench: Bench, task: Sequence[int], vector: Tensor, *, task_id: int, split: str, images: Sequence[np.ndarray] | None
) -> ExampleGrid:
    """A generated adapter's answers for test images of one task, chosen at random: never for being right.

    Args:
        vector: (P,) the adapter.
        images: the pictures of `bench.test`, row by row, uint8; None where there are only features: all rows are given.
    """
    rows = torch.cat([torch.nonzero(bench.test.labels == c).flatten() for c in task])
    if images is not None:
        rows = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(task_id))[:_SHOWN]]
    with torch.no_grad():
        logits = Adapter.from_vector(bench.spec, vector).logits(bench.test.rows(rows), bench.text[list(task)])
    names = bench.test.class_names
    examples = tuple(
        Example(None if images is None else images[row], names[label], names[task[int(p.argmax())]], float(p.max()))
        for row, label, p in zip(rows.tolist(), bench.test.labels[rows].tolist(), logits.softmax(-1), strict=True)
    )
    accuracy = float(bench.score(vector[None], [task])[0])
    base = float(bench.score(bench.base[None], [task], spec=bench.base_spec)[0])
    return ExampleGrid(task_id, split, tuple(names[c] for c in task), accuracy, base, examples)
