"""Baselines on a made-up world in which the right answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from t2w.adapters import AdapterSpec
from t2w.evaluation.baselines import AdapterBaselines, joint_wide
from t2w.evaluation.bench import Bench
from t2w.features import FeatureSet

CLASSES, DIM = 12, 6


def feature_set(split: str, per_class: int) -> FeatureSet:
    rng = torch.Generator().manual_seed(5)
    centres = 3 * torch.randn(CLASSES, DIM, generator=rng)
    labels = torch.arange(CLASSES).repeat_interleave(per_class)
    noise = torch.randn(len(labels), DIM, generator=torch.Generator().manual_seed(per_class))
    names = tuple(f"class {i}" for i in range(CLASSES))
    return FeatureSet(centres[labels] + 0.3 * noise, None, labels, names, "made up", "none", split)  # type: ignore[arg-type]


@pytest.fixture
def bench() -> Bench:
    rng = torch.Generator().manual_seed(0)
    spec = AdapterSpec(DIM, 3, 8, 20.0)
    text = torch.nn.functional.normalize(torch.randn(CLASSES, 8, generator=rng), dim=-1)
    draw = np.random.default_rng(0)
    tasks = [draw.permutation(10)[: draw.integers(3, 6)].tolist() for _ in range(60)]
    blank = Bench(
        spec=spec,
        base=torch.randn(spec.size, generator=rng),
        text=text,
        train=feature_set("train", 20),
        validation_fraction=0.2,
        test=feature_set("test", 10),
        seen=tuple(range(10)),
        train_tasks=tasks[:50],
        train_vectors=torch.zeros(50, spec.size),
        validation_tasks=tasks[50:],
        seed=0,
        device=torch.device("cpu"),
        base_spec=spec,
    )
    # Weights that depend on the pooled text linearly: what ridge assumes.
    slope = torch.randn(8, spec.size, generator=rng)
    return replace(blank, train_vectors=blank.base + blank.pooled(blank.train_tasks) @ slope)


def test_ridge_recovers_a_linear_law(bench: Bench) -> None:
    _, method = AdapterBaselines(bench).ridge([1e-6])
    assert torch.allclose(method(bench.train_tasks), bench.train_vectors, atol=1e-2)


def test_ridge_chooses_by_validation_accuracy(bench: Bench) -> None:
    alphas, tasks, weights = [1e-6, 1e6], bench.validation_tasks, AdapterBaselines(bench)
    scores = [bench.score_held_out(weights.ridge([a])[1](tasks), tasks).mean() for a in alphas]
    assert scores[0] != scores[1]
    assert weights.ridge(alphas)[0] == alphas[int(np.argmax(scores))]


def test_nearest_text_of_a_training_task_is_itself(bench: Bench) -> None:
    reordered = [list(reversed(task)) for task in bench.train_tasks]
    assert torch.allclose(AdapterBaselines(bench).nearest_text(reordered), bench.train_vectors, atol=1e-5)


def test_mean_and_base_do_not_depend_on_the_task(bench: Bench) -> None:
    tasks = bench.validation_tasks
    assert torch.allclose(AdapterBaselines(bench).mean(tasks)[3], bench.train_vectors.mean(0))
    assert torch.equal(bench.start(tasks)[3], bench.base)


def test_noise_without_sigma_is_a_training_adapter(bench: Bench) -> None:
    for vector in AdapterBaselines(bench).noise(bench.validation_tasks, sigma=0.0):
        assert (bench.train_vectors == vector).all(1).any()


def test_held_out_images_are_training_images_nothing_was_trained_on(bench: Bench) -> None:
    assert len(bench.held_out) == CLASSES * 4
    whole = replace(bench, validation_fraction=0.0)
    assert whole.held_out is whole.train


def test_joint_adapter_learns_the_classes(bench: Bench) -> None:
    joint = joint_wide(bench, hidden=16, steps=100, batch_size=32, learning_rates=[1e-5, 1e-2])
    assert joint.learning_rate == 1e-2
    assert joint.score(bench, bench.validation_tasks).mean() > 0.9
