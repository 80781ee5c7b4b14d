"""Zero-shot learners in a world where features are a linear function of the texts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from t2w.adapters import AdapterSpec
from t2w.evaluation.bench import Bench
from t2w.evaluation.zero_shot import Chosen, eszsl, linear_accuracy, text_to_prototype
from t2w.features import FeatureSet

CLASSES, SEEN = 60, 48


@pytest.fixture
def bench() -> Bench:
    rng = torch.Generator().manual_seed(0)
    text = torch.nn.functional.normalize(torch.randn(CLASSES, 6, generator=rng), dim=-1)
    mapping = torch.randn(6, 20, generator=rng)

    def images(split: str, per_class: int) -> FeatureSet:
        labels = torch.arange(CLASSES).repeat_interleave(per_class)
        features = text[labels] @ mapping + 0.1 * torch.randn(len(labels), 20, generator=rng)
        return FeatureSet(features, None, labels, tuple(map(str, range(CLASSES))), "made up", "none", split)  # type: ignore[arg-type]

    spec = AdapterSpec(20, 4, 6, 20.0)
    return Bench(
        spec=spec, base=torch.zeros(spec.size), text=text, train=images("train", 20), validation_fraction=0.0,
        test=images("test", 10), seen=tuple(range(SEEN)), train_tasks=[], train_vectors=torch.zeros(0, spec.size),
        validation_tasks=[], seed=0, device=torch.device("cpu"), base_spec=spec,
    )  # fmt: skip


@pytest.mark.parametrize("method", [text_to_prototype, eszsl])
def test_unseen_classes_are_recognised_by_their_texts(bench: Bench, method: Callable[[Bench], Chosen]) -> None:
    unseen = list(range(SEEN, CLASSES))
    accuracy = linear_accuracy(method(bench)[0], bench.test, [unseen, unseen[:3]])
    assert accuracy[0] > 4 / len(unseen)  # four times chance
    assert accuracy.shape == (2,)


@pytest.mark.parametrize("method", [text_to_prototype, eszsl])
def test_images_of_unseen_classes_do_not_matter(bench: Bench, method: Callable[[Bench], Chosen]) -> None:
    from dataclasses import replace

    spoilt = bench.train.features.clone()
    spoilt[bench.train.labels >= SEEN] = 100.0
    other = replace(bench, train=replace(bench.train, features=spoilt))
    assert torch.allclose(method(bench)[0].weight, method(other)[0].weight)
