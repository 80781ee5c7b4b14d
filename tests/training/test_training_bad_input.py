"""What does not fit is refused before the first step: found, expected, what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from training_parts import SETTINGS, SPEC, Setup, fit, train

from t2w.adapters import AdapterSpec
from t2w.errors import T2WError
from t2w.generator import GeneratorConfig, Normalizer
from t2w.interop.reference import load_generator
from t2w.training import fit_generator
from t2w.training.processes import start_processes


def test_a_batch_larger_than_the_data(setup: Setup) -> None:
    with pytest.raises(T2WError, match="batch_size is 64; expected at most 50, the number of training tasks"):
        train(setup, batch_size=64)


def test_a_network_of_other_sizes(setup: Setup) -> None:
    other = GeneratorConfig(AdapterSpec(7, 3, 5, 20.0), text_dim=8, n_embd=16, n_layer=1, n_head=2)
    with pytest.raises(
        T2WError, match=rf"shape \(50, {SPEC.size}\); expected \(tasks, {SPEC.size + 3}\).*build the gen"
    ):
        fit(setup, config=other)
    other = GeneratorConfig(SPEC, text_dim=9, n_embd=16, n_layer=1, n_head=2)
    with pytest.raises(T2WError, match="text embeddings of 8 numbers; expected 9"):
        fit(setup, config=other)


def test_nan_in_the_weight_dataset_names_the_adapter(setup: Setup) -> None:
    setup.x_0[13, 2] = float("nan")
    with pytest.raises(T2WError, match="not finite in training vector 13"):
        train(setup)
    config = setup.network().config
    for normalizer in (Normalizer.fit(torch.zeros(SPEC.size), setup.x_0), Normalizer.scaled(SPEC.size, 1.0)):
        with pytest.raises(T2WError, match="not finite in training vector 13"):
            fit_generator(config, normalizer, setup.x_0, setup.condition, settings=SETTINGS)


def test_fp16_on_a_cpu(setup: Setup) -> None:
    with pytest.raises(T2WError, match=r"mixed_precision is 'fp16' on a CPU.*use train.mixed_precision=no"):
        train(setup, mixed_precision="fp16")


@pytest.mark.parametrize(("rank", "cards"), [(0, 0), (2, 2), (5, 4)])
def test_more_gpus_than_there_are(monkeypatch: pytest.MonkeyPatch, rank: int, cards: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cards > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cards)
    monkeypatch.setenv("LOCAL_RANK", str(rank))
    said = rf"process {rank + 1} of this machine has no GPU.*there are {cards}; expected at most one process per GPU"
    with pytest.raises(T2WError, match=said) as error:
        start_processes("cuda", SETTINGS)
    assert (f"--num_processes {cards} ..." if cards else "use device=cpu") in str(error.value)


@pytest.mark.parametrize("change", [{"select": "validation_loss"}, {"select": "validation_accuracy"}])
def test_nothing_to_select_by(setup: Setup, change: dict[str, Any]) -> None:
    with pytest.raises(T2WError, match=r"select is 'validation_\w+' without validation tasks"):
        fit(setup, replace(SETTINGS, **change))
    if change["select"] == "validation_accuracy":
        with pytest.raises(T2WError, match="nothing measures it"):
            train(setup, **change)


class Malicious:
    """A pickle that would leave a file behind if it were executed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickle_that_is_not_tensors_is_refused_and_not_executed(tmp_path: Path, legacy: bool) -> None:
    trace, path = tmp_path / "executed", tmp_path / "model.pt"
    torch.save({"G": {"x": Malicious(trace)}}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(T2WError, match=r"model\.pt"):
        load_generator(path, n_head=2)
    assert not trace.exists()
    torch.load(path, weights_only=False)  # it would have been
    assert trace.exists()
