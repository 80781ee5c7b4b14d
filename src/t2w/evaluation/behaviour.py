"""What generated adapters do, beside what adapters trained on images do: their mistakes, and classes never seen.

An adapter that a generator has learnt by heart makes the same mistakes as the trained one. So does a trained adapter
with a little noise on its weights: a generator is worth something where it is more accurate than noise of the same
similarity (Zeng et al. 2025, arXiv 2506.07998).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from t2w.adapters import Adapter
from t2w.evaluation.bench import Bench, Tasks
from t2w.evaluation.generated import Sampled
from t2w.seeds import derive_seed

__all__ = ["SHARES", "Mistakes", "UnseenShare", "mistakes", "unseen_shares"]

SHARES = (0.0, 0.25, 0.5, 1.0)
"""Shares of a task's classes that training never touched."""
_NOISE = (0.5, 1.0, 2.0, 4.0)
_MOST = 100  # training tasks whose mistakes are compared
_TASKS, _CLASSES = 40, 12  # of each share


@dataclass(frozen=True, eq=False)
class Mistakes:
    """One kind of adapters beside the trained adapters of the same tasks, on the same test images."""

    accuracy: np.ndarray  # (T,) top-1
    similarity: np.ndarray  # (T,) |A and B| / |A or B| of the images that each gets wrong; NaN for none

    @property
    def mean_similarity(self) -> float | None:
        """Over the tasks that have one; None where no task has."""
        known = self.similarity[~np.isnan(self.similarity)]
        return float(known.mean()) if len(known) else None


def mistakes(sampled: Sampled, bench: Bench, *, seed: int = 0) -> dict[str, Mistakes]:
    """kind of adapter -> its mistakes, on up to 100 training tasks.

    Generated; generated from other noise; where adapters start; and the trained adapters with Gaussian noise of 0.5 to
    4 times the root mean square of what training changed.
    """
    chosen = np.random.default_rng(seed).permutation(len(bench.train_tasks))[:_MOST].tolist()
    tasks, trained = [bench.train_tasks[i] for i in chosen], bench.train_vectors[chosen]
    start = bench.start(tasks)
    change = (trained - start).square().mean(1, keepdim=True).sqrt() * (trained != 0)  # padding stays without effect
    rng = torch.Generator().manual_seed(derive_seed(seed, "noise"))
    kinds = {
        "generated": sampled.vectors(bench, tasks, seed=seed),
        "generated, other noise": sampled.vectors(bench, tasks, seed=seed + 1),
        "start": start,
    }
    for sigma in _NOISE:
        kinds[f"trained, noise {sigma:g}"] = trained + sigma * change * torch.randn(trained.shape, generator=rng)
    reference = _wrong(bench, trained, tasks)
    found = {}
    for kind, vectors in kinds.items():
        wrong = _wrong(bench, vectors, tasks)
        similarity = [_similarity(one, own) for one, own in zip(wrong, reference, strict=True)]
        found[kind] = Mistakes(np.array([1 - one.mean() for one in wrong]), np.array(similarity))
    return found


@torch.inference_mode()
def _wrong(bench: Bench, vectors: Tensor, tasks: Tasks) -> list[np.ndarray]:
    """Per task, of each of its test images whether it is classified wrongly."""
    found = []
    for vector, task in zip(vectors, tasks, strict=True):
        images = bench.test.of_classes([bench.test.class_names[number] for number in task])
        logits = Adapter.from_vector(bench.spec, vector).logits(images.dense().float(), bench.text[list(task)])
        found.append((logits.argmax(-1) != images.labels).numpy())
    return found


def _similarity(a: np.ndarray, b: np.ndarray) -> float:
    either = (a | b).sum()
    return float((a & b).sum() / either) if either else float("nan")


@dataclass(frozen=True, eq=False)
class UnseenShare:
    """Tasks of which a share of the classes was never trained on."""

    share: float  # in 0..1
    generated: np.ndarray  # (T,) accuracy of generated adapters
    start: np.ndarray  # (T,) accuracy of those they start from
    distance: np.ndarray  # (T,) of a class's text to the nearest text of another class that is seen, mean over the task


def unseen_shares(sampled: Sampled, bench: Bench, *, seed: int = 0) -> list[UnseenShare]:
    """40 tasks of each of `SHARES`, of 12 classes or as many as there are; shares that cannot be made are left out."""
    unseen = sorted(set(range(len(bench.text))) - set(bench.seen))
    most = min(_CLASSES, len(bench.seen), _CLASSES if bench.starts is None else bench.spec.hidden)
    size = min(most, len(unseen)) if len(unseen) > 1 else most
    rng = np.random.default_rng(derive_seed(seed, "unseen shares"))
    found = []
    for share in SHARES:
        new = round(share * size)
        if new > len(unseen) or (share > 0 and new == 0):
            continue
        tasks = []
        for _ in range(_TASKS):
            drawn = [*rng.choice(unseen, new, replace=False), *rng.choice(bench.seen, size - new, replace=False)]
            tasks.append(sorted(map(int, drawn)))
        made = bench.score(sampled.vectors(bench, tasks, seed=seed), tasks)
        found.append(UnseenShare(share, made, bench.score(bench.start(tasks), tasks), _distances(bench, tasks)))
    return found


def _distances(bench: Bench, tasks: Tasks) -> np.ndarray:
    seen = torch.tensor(bench.seen)
    apart = torch.cdist(bench.text, bench.text[seen])
    apart[seen, torch.arange(len(seen))] = torch.inf
    nearest = apart.min(1).values
    return np.array([float(nearest[list(task)].mean()) for task in tasks])
