"""The timestep sampler that learns from the losses, resumed; and the average without its warm-up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from training_parts import AS_IS, CONFIG, SETTINGS, SPEC, Setup, Stopped, same, state_of, stop_before, train

from t2w.diffusion import linear_schedule
from t2w.training.batches import task_order
from t2w.training.objectives import WeightObjective
from t2w.training.optimizer import averaged
from t2w.training.rows import WeightRows

CHANGES = {"timestep_sampler": "loss-second-moment"}


@pytest.mark.parametrize("stop", [5, 9])
def test_what_it_learnt_is_resumed(setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int) -> None:
    _, whole = train(setup, tmp_path / "whole", **CHANGES)
    with monkeypatch.context() as patch:
        stop_before(stop, patch)
        with pytest.raises(Stopped):
            train(setup, tmp_path / "cut", **CHANGES)
    _, continued = train(setup, tmp_path / "cut", **CHANGES)
    state = state_of(tmp_path / "cut")
    assert int(state["objective"]["timesteps"]["counts"].sum()) == 12 * 8  # every loss of every step
    assert same(state_of(tmp_path / "whole"), state)
    assert same(whole.weights, continued.weights)


def test_it_looks_where_the_loss_is_and_the_mean_stays(setup: Setup) -> None:
    """Of a loss that only the noisiest tenth of the timesteps has, nearly all draws are there, and weigh a tenth."""
    settings = replace(SETTINGS, batch_size=50, timestep_sampler="loss-second-moment")
    rows = WeightRows(SPEC, setup.x_0, AS_IS, torch.device("cpu"))
    objective = WeightObjective(rows, setup.condition, linear_schedule(CONFIG.timesteps), settings)
    t = torch.arange(1000).repeat(10)
    objective.timesteps.update(t, torch.where(t >= 900, 2.0, 0.0))
    drawn: list[torch.Tensor] = []

    def off_by_one(x_t: torch.Tensor, t: torch.Tensor, condition: object) -> torch.Tensor:
        drawn.append(t)
        error = torch.where(t >= 900, 1.0, 0.0)[:, None]
        return rows.read(tasks) + error

    losses = []
    for step in range(20):
        tasks = task_order(settings.seed, step, tasks=50, batch_size=50)
        losses.append(float(objective(off_by_one, step, slice(0, 50)).total))
    assert (torch.cat(drawn[:1]) >= 900).float().mean() > 0.9
    assert sum(losses) / 20 == pytest.approx(0.1, abs=0.03)


def test_without_warm_up_the_decay_is_plain() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    average, expected = averaged(model, 0.9, warmup=False), None
    for value in (1.0, 3.0, -2.0, 5.0):
        torch.nn.init.constant_(model.weight, value)
        average.update_parameters(model)
        expected = value if expected is None else 0.9 * expected + 0.1 * value
    assert average.module.weight.item() == pytest.approx(expected)


def test_the_warm_up_is_a_setting(setup: Setup) -> None:
    warm, plain = (train(setup, ema_decay=0.99, ema_warmup=on)[1].weights for on in (True, False))
    assert not same(warm, plain)
