"""The stream of images of a task."""

from __future__ import annotations

import torch

from t2w.adapters import batch_positions


def test_every_pass_sees_every_image_once() -> None:
    stream = batch_positions(37, steps=10, batch_size=16, seed=0, task_id=4).flatten()
    for start in (0, 37, 74):
        assert torch.equal(stream[start : start + 37].sort().values, torch.arange(37))
    assert not torch.equal(stream[:37], stream[37:74])


def test_more_steps_go_on_where_fewer_ended() -> None:
    few, many = (batch_positions(37, steps=steps, batch_size=16, seed=0, task_id=4) for steps in (3, 30))
    assert torch.equal(many[:3], few)


def test_batches_are_full_even_of_a_task_smaller_than_one() -> None:
    batches = batch_positions(3, steps=2, batch_size=8, seed=0, task_id=0)
    assert batches.shape == (2, 8)
    assert set(batches.flatten().tolist()) == {0, 1, 2}


def test_seed_and_task_are_both_drawn_from() -> None:
    def draw(seed: int, task_id: int) -> list[int]:
        return batch_positions(1000, steps=1, batch_size=64, seed=seed, task_id=task_id).flatten().tolist()

    assert draw(0, 1) == draw(0, 1)
    assert len({tuple(draw(seed, task)) for seed in (0, 1) for task in (0, 1)}) == 4
