"""Going on with a run whose settings changed: what may change acts, what may not is refused."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch.testing import assert_close
from training_parts import SETTINGS, Setup, Stopped, same, state_of, stop_before, train

from t2w.adapters.store import MappedVectors
from t2w.errors import T2WError
from t2w.generator import Condition
from t2w.training.resume import data_fingerprint


def _cut(setup: Setup, folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    with monkeypatch.context() as patch:
        stop_before(8, patch)
        with pytest.raises(Stopped):
            train(setup, folder, **changes)


def _groups(folder: Path) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = state_of(folder)["optimizer"]["param_groups"]
    return groups


def test_a_changed_rate_acts_from_the_next_step_on(
    setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cut(setup, tmp_path, monkeypatch)
    with monkeypatch.context() as patch:  # before a step: with the rate of that step
        stop_before(9, patch)
        seen: list[float] = []
        real = torch.optim.AdamW.step

        def step(self: torch.optim.AdamW, *args: Any, **kwargs: Any) -> Any:
            seen.append(self.param_groups[0]["lr"])
            return real(self, *args, **kwargs)

        patch.setattr(torch.optim.AdamW, "step", step)
        with pytest.raises(Stopped):
            train(setup, tmp_path, learning_rate=1e-4)
    assert seen == [pytest.approx(1e-4 / SETTINGS.learning_rate * SETTINGS.rate(8))]


def test_changed_rates_are_those_of_the_new_settings_to_the_end(
    setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cut(setup, tmp_path, monkeypatch)
    train(setup, tmp_path, learning_rate=1e-4, weight_decay=0.5)
    assert [group["weight_decay"] for group in _groups(tmp_path)] == [0.5, 0.0]
    last = replace(SETTINGS, learning_rate=1e-4).rate(SETTINGS.steps - 1)
    assert [group["lr"] for group in _groups(tmp_path)] == [pytest.approx(last)] * 2


def test_a_rate_of_nearly_zero_leaves_the_network_where_it_was(
    setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cut(setup, tmp_path, monkeypatch)
    before = state_of(tmp_path)["network"]
    train(setup, tmp_path, learning_rate=1e-12)
    for name, value in state_of(tmp_path)["network"].items():
        assert_close(value, before[name], atol=1e-7, rtol=0)


def test_unchanged_settings_are_not_announced(
    setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _cut(setup, tmp_path, monkeypatch)
    with caplog.at_level(logging.WARNING, logger="t2w"):
        train(setup, tmp_path)
    assert caplog.messages == []


def test_another_choice_of_the_best_is_refused(setup: Setup, tmp_path: Path) -> None:
    """What was kept as the best so far was chosen by another measure."""
    train(setup, tmp_path, select="validation_loss")
    with pytest.raises(T2WError, match=r"settings\.select = validation_loss; expected settings\.select = last"):
        train(setup, tmp_path, select="last")


def test_a_print_is_of_the_data_alone() -> None:
    setup = Setup(torch.randn(300, 5000), None, None)  # type: ignore[arg-type]
    condition = Condition(torch.randn(300, 2, 8), torch.ones(300, 2, dtype=torch.bool))
    found = set()
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        found.add(data_fingerprint(setup.x_0, condition))
    assert len(found) == 1
    other = setup.x_0.clone()
    other[299, 4999] += 1e-6 * other[299, 4999].abs() + 1e-7
    swapped = setup.x_0[torch.cat([torch.tensor([1, 0]), torch.arange(2, 300)])]
    told = Condition(condition.tokens + 1e-3, condition.mask)
    prints = {
        data_fingerprint(other, condition),
        data_fingerprint(swapped, condition),
        data_fingerprint(setup.x_0, told),
    }
    assert len(prints | found) == 4


def test_mapped_vectors_are_the_same_data(tmp_path: Path, setup: Setup) -> None:
    save_file({"vectors": setup.x_0}, tmp_path / "shard.safetensors")
    places = torch.stack([torch.zeros(50, dtype=torch.int64), torch.arange(50)], dim=1)
    mapped = MappedVectors([tmp_path / "shard.safetensors"], places, setup.x_0.shape[1])
    assert data_fingerprint(mapped, setup.condition) == data_fingerprint(setup.x_0, setup.condition)
    in_memory = train(setup)[1]
    setup.x_0 = mapped  # type: ignore[assignment]
    assert same(train(setup)[1].weights, in_memory.weights)
