"""Real processes: two that train as one, and one that is killed and goes on."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.testing import assert_close
from train_script import main
from training_parts import Stopped, same, state_of, stop_before

from t2w.errors import T2WError
from t2w.files import load_tensors, write_json
from t2w.training.phases import parts_of

SCRIPT = Path(__file__).with_name("train_script.py")


def start(out: Path, *changes: str, **environment: object) -> subprocess.Popen[str]:
    quiet = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "ACCELERATE_USE_CPU": "true"}
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(out), *changes], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=os.environ | quiet | {name: str(value) for name, value in environment.items()},
    )  # fmt: skip


def start_two(out: Path, *changes: str, **environment: object) -> list[subprocess.Popen[str]]:
    """Two that find each other as `accelerate launch` and `torchrun` tell their processes to."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free.getsockname()[1], "WORLD_SIZE": 2}
    return [start(out, *changes, RANK=rank, LOCAL_RANK=rank, **where, **environment) for rank in range(2)]


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code, and what it had to say."""
    try:
        _, said = process.communicate(timeout=300)
    finally:
        process.kill()
    return process.returncode, said


def weights(out: Path, run: str = "first", *, processes: int = 1) -> tuple[dict[str, torch.Tensor], list[list[float]]]:
    tensors, metadata = load_tensors(out / f"{run}.safetensors")
    assert metadata["processes"] == processes
    return tensors, metadata["losses"]


def test_two_processes_equal_one_on_the_same_batch(tmp_path: Path) -> None:
    changes = ("adversarial=0.3", 'timestep_sampler="loss-second-moment"', "text_noise=0.3", "condition_dropout=0.2",
               "permutation=true", "twice=true")  # fmt: skip
    both = start_two(tmp_path / "two", *changes)
    main(tmp_path / "one", list(changes))
    for code, said in map(end, both):
        assert code == 0, said
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


def test_a_network_cut_over_two_processes_equals_one_and_both_go_on_with_the_other_s_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut as `accelerate launch` with `use_fsdp` has it."""
    changes = ["text_noise=0.3", "accumulate=2"]
    one, cut, alone = (tmp_path / name for name in ("one", "cut", "alone"))
    with monkeypatch.context() as patch:
        stop_before(8 * 2, patch)
        with pytest.raises(Stopped):
            main(cut, changes)
    assert state_of(cut / "first")["step"] == 6
    both = start_two(cut, *changes, ACCELERATE_USE_FSDP="true")  # two go on where one stopped
    main(one, changes)
    for code, said in map(end, both):
        assert code == 0, said
    shutil.copytree(cut / "first", alone / "first")
    write_json(alone / "first" / "index.json", {"last": "step-000009.safetensors"})
    main(alone, changes)  # one goes on where two were
    expected, losses = weights(one)
    for folder, processes in ((cut, 2), (alone, 1)):
        found, after = weights(folder, processes=processes)
        assert_close(found, expected, atol=1e-5, rtol=0)
        assert_close(torch.tensor(after), torch.tensor(losses), atol=1e-5, rtol=0)
        assert_close(state_of(folder / "first")["optimizer"], state_of(one / "first")["optimizer"], atol=1e-5, rtol=0)


def test_a_batch_that_two_processes_cannot_share_is_refused() -> None:
    two = SimpleNamespace(num_processes=2, process_index=1)
    assert parts_of(8, two, 2) == [slice(4, 6), slice(6, 8)]
    with pytest.raises(T2WError, match="train batch_size is 7; expected a multiple of 2 processes x 1 parts"):
        parts_of(7, two, 1)


def test_killed_and_started_again_equals_uninterrupted(tmp_path: Path) -> None:
    killed = start(tmp_path / "cut", "adversarial=0.3", "kill=8")
    main(tmp_path / "whole", ["adversarial=0.3"])
    assert end(killed)[0] == -9
    assert not (tmp_path / "cut" / "first.safetensors").exists()
    assert state_of(tmp_path / "cut" / "first")["step"] == 6
    half = tmp_path / "cut" / "first" / ".step-000009.safetensors.abc.tmp"  # left by a kill in the middle of writing
    half.write_bytes(b"half")
    main(tmp_path / "cut", ["adversarial=0.3"])
    (whole, losses), (cut, after) = (weights(tmp_path / name) for name in ("whole", "cut"))
    assert same(whole, cut)
    assert losses == after
    assert same(state_of(tmp_path / "whole" / "first"), state_of(tmp_path / "cut" / "first"))
    assert not half.exists()
