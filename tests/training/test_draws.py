from __future__ import annotations

from collections import Counter

import pytest
import torch

from t2w.training.batches import draw, seeded, task_order

SIZES = {"tasks": 10, "size": 5, "batch_size": 4, "timesteps": 1000}


def test_a_step_depends_on_seed_and_step_alone() -> None:
    one, two = draw(0, 7, **SIZES), draw(0, 7, **SIZES)
    assert torch.equal(one.noise, two.noise)
    assert torch.equal(one.t, two.t)
    assert torch.equal(one.tasks, two.tasks)
    for other in (draw(1, 7, **SIZES), draw(0, 8, **SIZES)):
        assert not torch.equal(one.noise, other.noise)


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
        t = draw(0, step, tasks=100, size=1, batch_size=20, timesteps=100).t
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
