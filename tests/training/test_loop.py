from __future__ import annotations

import logging
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.testing import assert_close
from training_parts import CONFIG, SETTINGS, SPEC, Setup, Stopped, fit, same, state_of, stop_before, train

import t2w.training.objectives as objectives
from t2w.errors import T2WError
from t2w.generator import Generator, Normalizer
from t2w.training import Checkpoints, Validation, fit_generator


def test_training_learns_the_dependence_on_text(setup: Setup) -> None:
    _, result = train(setup, steps=120, batch_size=25, learning_rate=6e-3, warmup=20, ema_decay=0.95, validate_every=50)
    untrained = setup.validation[0].square().mean().item()  # the error of answering the mean
    assert result.validation_losses[-1][2] < 0.5 * untrained
    assert result.validation_losses[-1][1] < result.validation_losses[0][1]
    assert result.train_losses[-1][1] < 0.5 * result.train_losses[0][1]


@pytest.mark.parametrize("stop", [1, 4, 6, 8, 11])
def test_stopped_at_any_step_and_continued_equals_uninterrupted(
    setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    network, result = train(setup, tmp_path / "whole")
    with monkeypatch.context() as patch:
        stop_before(stop, patch)
        with pytest.raises(Stopped):
            train(setup, tmp_path / "cut")
    assert (Checkpoints(tmp_path / "cut").path() is not None) == (stop >= 4)
    again, continued = train(setup, tmp_path / "cut")
    assert same(state_of(tmp_path / "whole"), state_of(tmp_path / "cut"))  # weights, EMA, optimiser, rates, curves
    assert same(result.weights, continued.weights)
    assert same(network.state_dict(), again.state_dict())
    assert result.train_losses == continued.train_losses
    assert result.validation_losses == continued.validation_losses


def test_a_finished_run_is_not_repeated(setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, first = train(setup, tmp_path)
    stop_before(0, monkeypatch)
    _, second = train(setup, tmp_path)
    assert same(first.weights, second.weights)
    assert second.steps == SETTINGS.steps


def test_same_seed_same_weights_other_seed_others(setup: Setup) -> None:
    before = torch.get_rng_state()
    one, two, other = (train(setup, seed=seed)[1].weights for seed in (0, 0, 1))
    assert same(one, two)
    assert not same(one, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_curves_have_the_steps_asked_for(setup: Setup) -> None:
    _, result = train(setup, steps=10)
    assert [step for step, _ in result.train_losses] == [3, 6, 9, 10]
    assert [entry[0] for entry in result.validation_losses] == [4, 8, 10]
    assert result.steps == 10


def test_the_network_is_left_with_the_averaged_weights(setup: Setup) -> None:
    network, result = train(setup)
    assert same(network.state_dict(), result.weights)
    assert not network.training


def test_without_averaging_the_last_weights_are_returned(setup: Setup, tmp_path: Path) -> None:
    _, result = train(setup, tmp_path, ema_decay=0.0)
    for name, value in state_of(tmp_path)["network"].items():
        assert_close(result.weights[name], value)


def test_bfloat16_trains_and_leaves_a_float32_network(setup: Setup) -> None:
    network, result = train(setup, mixed_precision="bf16")
    assert all(math.isfinite(loss) for _, loss in result.train_losses)
    x, t = setup.x_0[:2], torch.tensor([999, 10])
    found = network(x, t, setup.condition.rows([0, 1]))
    plain = setup.network().eval()
    plain.load_state_dict(result.weights)
    assert torch.equal(found, plain(x, t, setup.condition.rows([0, 1])))


@pytest.mark.parametrize("change", [{"ema_decay": 0.5}, {"steps": 20}, {"batch_size": 4}, {"seed": 3}])
def test_a_checkpoint_of_other_settings_is_refused(setup: Setup, tmp_path: Path, change: dict[str, Any]) -> None:
    train(setup, tmp_path)
    before = state_of(tmp_path)
    ((key, value),) = change.items()
    with pytest.raises(
        T2WError, match=rf"settings\.{key} = {getattr(SETTINGS, key)}; expected settings\.{key} = {value}"
    ):
        train(setup, tmp_path, **change)
    assert same(state_of(tmp_path), before)


def test_a_harmless_change_is_announced_key_by_key(
    setup: Setup, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    train(setup, tmp_path)
    with caplog.at_level(logging.WARNING, logger="t2w"):
        train(setup, tmp_path, log_every=5, learning_rate=1e-3)
    assert caplog.messages == [
        "generator: goes on with learning_rate = 0.001; it was 0.003",
        "generator: goes on with log_every = 5; it was 3",
    ]


def test_a_checkpoint_of_other_data_or_network_is_refused(setup: Setup, tmp_path: Path) -> None:
    train(setup, tmp_path)
    setup.x_0[3, 4] += 1
    with pytest.raises(T2WError, match=r"another run, with data = .*start again, or train into another folder"):
        train(setup, tmp_path)


def test_a_damaged_checkpoint_is_refused(setup: Setup, tmp_path: Path) -> None:
    train(setup, tmp_path, steps=4)
    path = tmp_path / "step-000004.safetensors"
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-5] ^= 1
    for content in (b"", whole[: len(whole) // 2], b"not a checkpoint", bytes(flipped)):
        path.write_bytes(content)
        with pytest.raises(T2WError, match=f"{path.name}.*damaged.*to start again"):
            train(setup, tmp_path, steps=4)
    path.unlink()
    with pytest.raises(T2WError, match=f"{path.name}.*to start again"):
        train(setup, tmp_path, steps=4)


def test_old_checkpoints_go_and_the_best_stays(setup: Setup, tmp_path: Path) -> None:
    train(setup, tmp_path, steps=20, checkpoint_every=2, validate_every=5, select="validation_loss", keep=2)
    index = Checkpoints(tmp_path).index()
    kept = {p.name for p in tmp_path.glob("step-*")}
    assert index["last"] == "step-000020.safetensors"
    assert {"step-000016.safetensors", "step-000018.safetensors", index["last"], index["best"]} >= kept
    assert {index["last"], index["best"]} <= kept


def test_the_best_by_its_metric_is_what_is_returned(setup: Setup, tmp_path: Path) -> None:
    scores = iter([0.2, 0.7, 0.4, 0.3])
    validation = Validation(*setup.validation, lambda network: next(scores))
    settings = replace(SETTINGS, steps=16, select="validation_accuracy")
    _, result = fit(setup, settings, validation=validation, checkpoints=tmp_path)
    assert [point.accuracy for point in result.validation_losses] == [0.2, 0.7, 0.4, 0.3]
    assert result.best_step == 8
    last, best = "step-000016.safetensors", "step-000008.safetensors"
    assert Checkpoints(tmp_path).index() == {"last": last, "best": best, "value": 0.7}
    found = Checkpoints(tmp_path).load("best")
    assert found is not None
    assert same(found[0]["ema"], result.weights)
    assert not same(state_of(tmp_path)["ema"], result.weights)


def test_a_run_that_diverges_says_where_and_keeps_the_last_goodstate_of(setup: Setup, tmp_path: Path) -> None:
    real, calls = objectives.weight_loss, 0

    def loss(*args: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return real(*args) * (float("nan") if calls == 6 else 1.0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objectives, "weight_loss", loss)
        with pytest.raises(
            T2WError,
            match=r"step 6 \(the last good checkpoint is .*step-000004.safetensors\).*lower train.learning_rate",
        ):
            train(setup, tmp_path)
    state = state_of(tmp_path)
    assert state["step"] == 4
    assert all(torch.isfinite(value).all() for value in state["network"].values())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["index.json", "step-000004.safetensors"]


def test_what_does_not_fit_is_refused(setup: Setup) -> None:
    with pytest.raises(T2WError, match="at most 50, the number of training tasks"):
        train(setup, batch_size=51)
    with pytest.raises(T2WError, match="one condition each"):
        fit(replace(setup, x_0=setup.x_0[:9]))
    with pytest.raises(T2WError, match=f"expected \\(tasks, {SPEC.size}\\)"):
        fit(replace(setup, x_0=setup.x_0[:, 1:]))
    setup.x_0[7, 0] = float("inf")
    with pytest.raises(T2WError, match="training vector 7"):
        train(setup)


def test_progress_is_told(setup: Setup, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t2w.progress._QUIET_SECONDS", 0.0)
    monkeypatch.setattr("t2w.progress._LINE_SECONDS", 0.0)
    with caplog.at_level(logging.INFO, logger="t2w"):
        train(setup)
    assert "12/12" in caplog.messages[-1]
    assert "loss" in caplog.messages[-1]


def test_fit_takes_adapters_as_trained(setup: Setup) -> None:
    base = torch.arange(SPEC.size) / 10.0
    vectors = base + 3 + 0.01 * setup.x_0
    generator, result = fit_generator(
        CONFIG, Normalizer.fit(base, vectors), vectors, setup.condition, settings=SETTINGS,
        provenance={"template": "a photo of a {}"},
        validation=Validation(base + 3 + 0.01 * setup.validation[0], setup.validation[1]),
    )  # fmt: skip
    assert isinstance(generator, Generator)
    assert generator.provenance == {"template": "a photo of a {}"}
    # Errors are measured in normalised space (of order 1), weights are written in the adapters' own (base + 3 + small).
    assert 0.1 < result.validation_losses[-1][1] < 3
    assert_close(generator.generate(setup.condition).mean(dim=0), base + 3, atol=0.02, rtol=0)
