"""Ctrl-C during training loses nothing, and the first checkpoint does not wait for `checkpoint_every` slow steps."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from training_parts import Setup, Stopped, same, state_of, stop_before, train

from t2w.training import Checkpoints, loop, objectives
from t2w.training.interrupts import delayed_interrupt


def press_at(calls: set[int], patch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C in the middle of these steps (from 1)."""
    real, count = objectives.weight_loss, 0

    def loss(*arguments: Any) -> torch.Tensor:
        nonlocal count
        count += 1
        if count in calls:
            os.kill(os.getpid(), signal.SIGINT)
        return real(*arguments)

    patch.setattr(objectives, "weight_loss", loss)


def test_an_interrupted_training_is_saved_and_goes_on_as_if_nothing_were(setup: Setup, tmp_path: Path) -> None:
    _, whole = train(setup, tmp_path / "whole")
    with pytest.MonkeyPatch.context() as patch:
        press_at({6}, patch)
        with pytest.raises(KeyboardInterrupt):
            train(setup, tmp_path / "cut")
    assert state_of(tmp_path / "cut")["step"] == 6  # between the checkpoints of steps 4 and 8
    _, again = train(setup, tmp_path / "cut")
    assert same(whole.weights, again.weights)
    assert same(state_of(tmp_path / "whole"), state_of(tmp_path / "cut"))


def test_the_second_ctrl_c_ends_at_once() -> None:
    with delayed_interrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupt.pressed
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_first_checkpoint_comes_after_a_minute_at_the_latest(
    setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_FIRST_CHECKPOINT", 0.0)
    stop_before(3, monkeypatch)
    with pytest.raises(Stopped):
        train(setup, tmp_path)
    last = Checkpoints(tmp_path).path()
    assert last is not None
    assert last.stem == "step-000001"  # and the next by `checkpoint_every`
