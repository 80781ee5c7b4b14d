"""Laws of the usual ways of making one adapter of several."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import Tensor

from t2w.adapters import AdapterSpec, permute

SPEC = AdapterSpec(in_features=10, hidden=6, out_features=8, logit_scale=10.0)
by = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "averaging.py")))


def random(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, SPEC.size, generator=torch.Generator().manual_seed(seed))


def test_the_average_of_one_adapter_is_itself() -> None:
    vector = random(1)[0]
    torch.testing.assert_close(by.average(vector.expand(3, -1)), vector)
    torch.testing.assert_close(by.match_then_average(SPEC, vector.expand(3, -1)), vector)


def test_matching_undoes_any_permutation() -> None:
    vector = random(1)[0]
    for seed in range(5):
        order = torch.randperm(SPEC.hidden, generator=torch.Generator().manual_seed(seed))
        moved = permute(SPEC, vector, order)
        torch.testing.assert_close(permute(SPEC, moved, by.matching(SPEC, vector, moved)), vector)
        torch.testing.assert_close(by.match_then_average(SPEC, torch.stack([vector, moved])), vector)


def test_matching_finds_the_nearest_order() -> None:
    a, b = random(2, seed=3)
    best = (a - permute(SPEC, b, by.matching(SPEC, a, b))).norm()
    for seed in range(50):
        order = torch.randperm(SPEC.hidden, generator=torch.Generator().manual_seed(seed))
        assert best <= (a - permute(SPEC, b, order)).norm() + 1e-5


def test_task_arithmetic_adds_what_was_learnt() -> None:
    base, a, b = random(3, seed=1)
    torch.testing.assert_close(by.task_arithmetic(base, torch.stack([a, b])), a + b - base)
    torch.testing.assert_close(by.task_arithmetic(base, torch.stack([a, b]), share=0.5), (a + b) / 2)
    torch.testing.assert_close(by.task_arithmetic(base, torch.stack([base, base])), base)
