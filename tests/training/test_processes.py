"""Real processes: two that train as one, and one that is killed and goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.testing import assert_close
from train_script import main
from training_parts import same, state_of

from t2w.errors import T2WError
from t2w.files import load_tensors
from t2w.training.phases import parts_of

SCRIPT = Path(__file__).with_name("train_script.py")
ONE = [sys.executable, str(SCRIPT)]
TWO = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(SCRIPT)]


def start(command: list[str], out: Path, *changes: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "ACCELERATE_USE_CPU": "true"}
    return subprocess.run(
        [*command, str(out), *changes], env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def weights(out: Path, run: str = "first", *, processes: int = 1) -> tuple[dict[str, torch.Tensor], list[list[float]]]:
    tensors, metadata = load_tensors(out / f"{run}.safetensors")
    assert metadata["processes"] == processes
    return tensors, metadata["losses"]


def test_two_processes_equal_one_on_the_same_batch(tmp_path: Path) -> None:
    changes = ("adversarial=0.3", 'timestep_sampler="loss-second-moment"', "text_noise=0.3", "condition_dropout=0.2",
               "permutation=true", "twice=true")  # fmt: skip
    main(tmp_path / "one", list(changes))
    done = start(TWO, tmp_path / "two", *changes)
    assert done.returncode == 0, done.stderr
    for run in ("first", "second"):  # a process may train more than once
        (one, losses), (two, halves) = (
            weights(tmp_path / name, run, processes=n) for name, n in (("one", 1), ("two", 2))
        )
        for name, value in one.items():
            assert_close(two[name], value, atol=1e-5, rtol=0, msg=lambda text, name=name: f"{name}: {text}")
        assert_close(torch.tensor(halves), torch.tensor(losses), atol=1e-5, rtol=0)
    for kept in ("first", "second"):  # written once, by one of them
        assert sorted(p.name for p in (tmp_path / "two" / kept).iterdir()) == [
            "index.json", "step-000009.safetensors", "step-000012.safetensors"
        ]  # fmt: skip


def test_a_batch_that_two_processes_cannot_share_is_refused() -> None:
    two = SimpleNamespace(num_processes=2, process_index=1)
    assert parts_of(8, two, 2) == [slice(4, 6), slice(6, 8)]
    with pytest.raises(T2WError, match="train batch_size is 7; expected a multiple of 2 processes x 1 parts"):
        parts_of(7, two, 1)


def test_killed_and_started_again_equals_uninterrupted(tmp_path: Path) -> None:
    main(tmp_path / "whole", ["adversarial=0.3"])
    killed = start(ONE, tmp_path / "cut", "adversarial=0.3", "kill=8")
    assert killed.returncode == -9
    assert not (tmp_path / "cut" / "first.safetensors").exists()
    assert state_of(tmp_path / "cut" / "first")["step"] == 6
    half = tmp_path / "cut" / "first" / ".step-000009.safetensors.abc.tmp"  # left by a kill in the middle of writing
    half.write_bytes(b"half")
    again = start(ONE, tmp_path / "cut", "adversarial=0.3")
    assert again.returncode == 0, again.stderr
    (whole, losses), (cut, after) = (weights(tmp_path / name) for name in ("whole", "cut"))
    assert same(whole, cut)
    assert losses == after
    assert same(state_of(tmp_path / "whole" / "first"), state_of(tmp_path / "cut" / "first"))
    assert not half.exists()
