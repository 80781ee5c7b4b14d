"""Where losses are logged besides: nothing unless asked for, nothing over the network, and what is missing is named."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState
from training_parts import SETTINGS, Setup, train

from t2w.errors import T2WError
from t2w.training import processes


def test_an_unknown_tracker(setup: Setup, tmp_path: Path) -> None:
    for folder in (tmp_path, None):
        with pytest.raises(T2WError, match=r"trackers .*'tensorbord'.*did you mean 'tensorboard'.*tensorboard, wandb"):
            train(setup, folder, trackers=("tensorbord",))


def test_a_tracker_that_is_not_installed(setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "find_spec", lambda name: None)
    with pytest.raises(T2WError, match=r"'wandb' is not installed; pip install .t2w\[tracking\]"):
        train(setup, tmp_path, trackers=("wandb",))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="tensorboard is not installed")
def test_tensorboard_has_the_curves(setup: Setup, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    _, result = train(setup, tmp_path, trackers=("tensorboard",))
    (folder,) = {path.parent for path in tmp_path.rglob("events.out.tfevents*") if path.parent.name == "t2w"}
    events = EventAccumulator(str(folder))
    events.Reload()
    found = [(event.step, event.value) for event in events.Scalars("loss")]
    assert found == [(step, pytest.approx(loss)) for step, loss in result.train_losses]
    found = [(event.step, event.value) for event in events.Scalars("validation_loss")]
    assert found == [(point.step, pytest.approx(point.loss)) for point in result.validation_losses]


@pytest.mark.filterwarnings("ignore:`log_with=:UserWarning")  # wandb is only pretended to be there
@pytest.mark.parametrize(("said", "mode"), [(None, "offline"), ("online", "online"), ("disabled", "disabled")])
def test_wandb_is_offline_unless_asked(
    setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, mode: str
) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    if said is not None:
        monkeypatch.setenv("WANDB_MODE", said)
    given: dict[str, Any] = {}

    def init_trackers(self: Accelerator, name: str, config: dict[str, Any], init_kwargs: dict[str, Any]) -> None:
        given.update(name=name, config=config, init=init_kwargs)

    monkeypatch.setattr(processes, "find_spec", lambda name: True)
    monkeypatch.setattr(Accelerator, "init_trackers", init_trackers)
    train(setup, tmp_path, trackers=("wandb",))
    assert given["name"] == "t2w"
    assert given["init"]["wandb"]["mode"] == mode
    assert Path(given["init"]["wandb"]["dir"]).is_relative_to(tmp_path)
    assert given["config"]["settings.learning_rate"] == SETTINGS.learning_rate
    assert all(isinstance(value, bool | int | float | str) for value in given["config"].values())


def test_without_trackers_nothing_is_started(setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def init_trackers(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(Accelerator, "init_trackers", init_trackers)
    train(setup, tmp_path)
    train(setup, None, trackers=())


def test_an_earlier_device_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accelerate remembers its first device; a run that asks for another must not get that one."""
    processes.start_processes("cpu", SETTINGS)
    monkeypatch.setitem(PartialState._shared_state, "device", torch.device("meta"))
    assert processes.start_processes("cpu", SETTINGS).device == torch.device("cpu")
    AcceleratorState._reset_state(reset_partial_state=True)
