from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.testing import assert_close

from t2w.diffusion import linear_schedule
from t2w.errors import T2WError
from t2w.training import FunctionalSettings, TrainSettings
from t2w.training.objectives import timestep_weights, weight_loss
from t2w.training.optimizer import averaged
from t2w.training.validation import validation_loss

SCHEDULE = linear_schedule()


def test_weight_loss_by_hand() -> None:
    a, b = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[1.0, 0.0], [3.0, 1.0]])
    assert weight_loss(a, b).item() == pytest.approx((2 + 5) / 2)
    assert weight_loss(a, b, torch.tensor([0.5, 2.0])).item() == pytest.approx((1 + 10) / 2)


def test_weights_average_to_one_over_timesteps() -> None:
    t = torch.arange(1000)
    assert_close(timestep_weights(SCHEDULE, t, "uniform"), torch.ones(1000))
    snr = timestep_weights(SCHEDULE, t, "min_snr")
    assert snr.mean().item() == pytest.approx(1, abs=1e-5)
    assert bool((snr.diff() <= 0).all())
    assert_close(snr[999] / snr[600], (SCHEDULE.snr[999] / SCHEDULE.snr[600]).float())  # below gamma: SNR itself


def test_validation_loss_is_repeatable_and_known_for_known_denoisers() -> None:
    x_0 = torch.randn(40, 30, generator=torch.Generator().manual_seed(0))
    errors = validation_loss(lambda x, t: torch.zeros_like(x), x_0, SCHEDULE, timesteps=3)
    assert_close(torch.tensor(errors), x_0.square().mean().expand(3))
    assert validation_loss(lambda x, t: x_0, x_0, SCHEDULE) == (0.0,) * 5

    def shrink(x_t: torch.Tensor, t: torch.Tensor) -> torch.Tensor:  # the best denoiser of N(0, 1): error 1 - alpha_bar
        return SCHEDULE.at(SCHEDULE.alpha_bar.sqrt(), t, x_t) * x_t

    found = validation_loss(shrink, x_0, SCHEDULE, timesteps=2)
    assert found == validation_loss(shrink, x_0, SCHEDULE, timesteps=2)
    assert found[0] == pytest.approx(1, rel=0.1)
    assert found[1] == pytest.approx(1 - SCHEDULE.alpha_bar[499].item(), rel=0.1)


def test_rate_rises_then_falls_to_zero() -> None:
    settings = TrainSettings(steps=100, warmup=10, learning_rate=0.2)
    rates = [settings.rate(step) for step in range(101)]
    assert rates[:11] == sorted(set(rates[:11]))
    assert rates[10:] == sorted(set(rates[10:]), reverse=True)
    assert max(rates) == 0.2
    assert rates[0] > 0
    assert rates[100] == pytest.approx(0, abs=1e-12)
    assert rates[55] == pytest.approx(0.1)


def test_each_phase_has_its_own_rise_and_fall() -> None:
    second = FunctionalSettings(steps=50, warmup=5, learning_rate=0.01)
    settings = TrainSettings(steps=100, warmup=10, learning_rate=0.2, functional=second)
    rates = [settings.rate(step) for step in range(150)]
    assert settings.total_steps == 150
    assert rates[99] < 1e-3
    assert max(rates[100:]) == 0.01
    assert rates[100:106] == sorted(set(rates[100:106]))
    assert rates[105:] == sorted(set(rates[105:]), reverse=True)


def test_the_average_warms_up_and_then_has_its_decay() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    average = averaged(model, 0.5)
    expected = None
    for k, value in enumerate([1.0, 3.0, -2.0, 5.0, 0.0, 7.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0]):
        torch.nn.init.constant_(model.weight, value)
        average.update_parameters(model)
        decay = min(0.5, (1 + k) / (10 + k))
        expected = value if expected is None else decay * expected + (1 - decay) * value
    assert average.module.weight.item() == pytest.approx(expected)


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 0}, {"batch_size": 1.5}, {"learning_rate": 0.0}, {"learning_rate": float("nan")},
        {"adversarial": -1.0}, {"condition_dropout": 1.0}, {"select": "first"}, {"timestep_sampler": "unifrom"},
        {"accumulate": 3}, {"weight_decay": -0.1}, {"ema_decay": 1.0}, {"clip": 0.0},
        {"weighting": "snr"}, {"mixed_precision": "fp8"},
    ],
)  # fmt: skip
def test_bad_settings_name_the_key(change: dict[str, Any]) -> None:
    (key,) = change
    with pytest.raises(T2WError, match=rf"train\.({key}|batch_size) is .*; expected"):
        TrainSettings(**change)
