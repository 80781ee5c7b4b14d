from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch
from training_parts import AS_IS, SETTINGS, SPEC, Setup, same

from t2w.diffusion import linear_schedule
from t2w.generator import Condition
from t2w.training.batches import generator_for, seeded, stratified_timesteps, task_order
from t2w.training.objectives import WeightObjective
from t2w.training.rows import WeightRows


def test_a_step_depends_on_seed_and_step_alone(setup: Setup) -> None:
    rows = WeightRows(SPEC, setup.x_0, AS_IS, torch.device("cpu"))

    def seen(seed: int, step: int) -> list[torch.Tensor]:
        """Noisy weights and timesteps that the network is given."""
        given: list[torch.Tensor] = []

        def model(x_t: torch.Tensor, t: torch.Tensor, condition: Condition) -> torch.Tensor:
            given.extend((x_t, t, condition.tokens))
            return x_t

        settings = replace(SETTINGS, seed=seed)
        WeightObjective(rows, setup.condition, linear_schedule(), settings)(model, step, slice(0, 8))
        return given

    one = seen(0, 7)
    assert same(one, seen(0, 7))
    for other in (seen(1, 7), seen(0, 8)):
        assert not any(same(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("tasks", "batch_size"), [(10, 4), (10, 10), (7, 3), (5, 1)])
def test_every_task_is_seen_once_per_pass(tasks: int, batch_size: int) -> None:
    steps = tasks * batch_size  # a whole number of passes
    seen = torch.cat([task_order(0, step, tasks=tasks, batch_size=batch_size) for step in range(steps)])
    for one_pass in seen.split(tasks):
        assert sorted(one_pass.tolist()) == list(range(tasks))
    assert not torch.equal(seen[:tasks], seen[tasks : 2 * tasks]) or tasks == 1


def test_timesteps_are_uniform_and_spread_within_every_batch() -> None:
    counts: Counter[int] = Counter()
    for step in range(400):
        t = stratified_timesteps(20, 100, generator_for(0, "noise", step))
        assert sorted((t // 5).tolist()) == list(range(20))
        counts.update(t.tolist())
    assert set(counts) == set(range(100))
    assert max(counts.values()) < 2 * min(counts.values())


def test_dropout_depends_on_seed_and_step_alone_and_leaves_the_global_generator_alone() -> None:
    def numbers(seed: int, step: int) -> list[float]:
        with seeded(torch.device("cpu"), seed, step):
            return torch.rand(4).tolist()

    before = torch.get_rng_state()
    assert numbers(0, 5) == numbers(0, 5)
    assert len({tuple(numbers(*at)) for at in ((0, 5), (0, 6), (1, 5))}) == 3
    assert torch.equal(torch.get_rng_state(), before)
