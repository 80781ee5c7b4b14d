"""Does the text matter, and has the generator learnt its adapters by heart? (Zeng et al. 2025, arXiv 2506.07998)"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.concepts import Evidence
from t2w.evaluation.bench import Bench, Tasks
from t2w.evaluation.generated import Sampled
from t2w.generator import UnitNormalizer, condition_of_evidence

__all__ = ["TOLD", "Memorisation", "memorisation", "text_effect"]

TOLD = ("matched", "shuffled", "other classes", "random", "nothing")
"""What the generator is told of a task; its adapter is always scored on the task itself."""
_NEAR = 0.05  # quantile of the real adapters' distances below which a generated one counts as a copy


def text_effect(sampled: Sampled, bench: Bench, tasks: Tasks, *, seed: int = 0) -> dict[str, np.ndarray]:
    """what it was told -> (T,) accuracies.

    Shuffled: the right texts, with each other's rows; of a generator of texts alone, in another order. Other classes:
    as many others. Random: unit vectors. Nothing: zeros.
    """
    return {told: bench.score(_vectors(sampled, bench, tasks, told, seed), tasks) for told in TOLD}


def _vectors(sampled: Sampled, bench: Bench, tasks: Tasks, told: str, seed: int) -> Tensor:
    rng = np.random.default_rng(seed)

    def others(task: list[int]) -> list[int]:
        free = [number for number in bench.seen if number not in set(task)]
        return list(rng.choice(free, len(task), replace=len(free) < len(task)))

    choose: dict[str, Callable[[list[int]], list[int]]] = {
        "shuffled": lambda task: list(np.roll(task, int(rng.integers(1, len(task))))),  # none is where it was
        "other classes": others,
    }
    shown = [number for task in tasks for number in choose.get(told, list)(list(task))]
    ends = np.cumsum([len(task) for task in tasks])
    places = [list(range(end - len(task), end)) for end, task in zip(ends, tasks, strict=True)]

    def altered(table: Tensor, rows: list[int]) -> Tensor:
        values = table[rows]
        if told == "random":
            noise = torch.randn(values.shape, generator=torch.Generator().manual_seed(seed))
            return F.normalize(noise, dim=1)
        return torch.zeros_like(values) if told == "nothing" else values

    own = bench.evidence
    if own is None:
        return sampled.vectors(replace(bench, text=altered(bench.text, shown)), places, seed=seed)
    texts = [number for task in tasks for number in task] if told == "shuffled" else shown
    evidence = Evidence(altered(own.text, texts), altered(own.rows, shown), own.variance[shown], ("",) * len(shown))
    return sampled.vectors(replace(bench, evidence=evidence), places, seed=seed)


@dataclass(frozen=True, eq=False)
class Memorisation:
    """Generated weights against training weights, as differences from where adapters start.

    A piece is a hidden unit with its weights, where each belongs to a class, else a whole adapter: all start from one
    base, so that their units are in the same order.
    """

    generated: np.ndarray  # distance of each generated piece to the nearest training piece
    real: np.ndarray  # the same of real adapters of the same tasks, trained on images
    copies: float  # share of the generated nearer than 5 % of the real ones are; 0.05 is expected of no copying
    explained: float  # R^2 of generated against real pieces: 1 the same weights, 0 as good as the start


def memorisation(sampled: Sampled, bench: Bench, tasks: Tasks, real: Tensor, *, seed: int = 0) -> Memorisation:
    """Compare; `real` (T, P) are the tasks' own trained adapters, of which the generator knows nothing."""
    train = _pieces(sampled, bench, bench.train_vectors, bench.train_tasks)
    made = _pieces(sampled, bench, sampled.vectors(bench, tasks, seed=seed), tasks)
    own = _pieces(sampled, bench, real, tasks)
    near, reference = _nearest(made, train), _nearest(own, train)
    copies = float((near < np.quantile(reference, _NEAR)).mean())
    explained = 1 - float((made - own).square().sum() / own.square().sum())
    return Memorisation(near, reference, copies, explained)


def _pieces(sampled: Sampled, bench: Bench, vectors: Tensor, tasks: Tasks) -> Tensor:
    if bench.evidence is None:
        return vectors - bench.base
    normalizer = sampled.generator.normalizer
    assert isinstance(normalizer, UnitNormalizer)  # a bench has evidence where adapters are of units
    condition = condition_of_evidence(bench.evidence, tasks, width=bench.spec.hidden)
    return normalizer.cpu().differences(vectors, condition).units[condition.mask]


def _nearest(pieces: Tensor, train: Tensor) -> np.ndarray:
    """(n,) distance of each piece to the nearest in training."""
    parts = [torch.cdist(part, train).min(1).values for part in pieces.split(256)]
    return np.asarray(torch.cat(parts).numpy())
