"""Real processes, really killed: what is started again ends with what an undisturbed run makes, bit for bit."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tiny_job import SHARD, TASKS

from t2w.adapters.store import WeightDataset, list_shards

Start = Callable[..., "subprocess.Popen[str]"]


def same(folder: Path, undisturbed: WeightDataset) -> bool:
    dataset = WeightDataset.open(folder)
    return dataset.records == undisturbed.records and torch.equal(dataset.vectors, undisturbed.vectors)


def wait_for_shards(folder: Path, count: int, process: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + 60
    while len(list_shards(folder)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.005)


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(".tmp")]


def test_kill_of_the_process_at_random_moments(tmp_path: Path, start: Start, undisturbed: WeightDataset) -> None:
    moments = random.Random(time.time_ns())
    seen = 0
    for _ in range(2):
        process = start(tmp_path, "--seconds", 0.05)
        wait_for_shards(tmp_path, seen + 1, process)
        time.sleep(moments.uniform(0, 0.2))
        process.kill()
        process.wait()
        seen = len(list_shards(tmp_path))
        assert 0 < seen < TASKS // SHARD
    process = start(tmp_path)
    out, err = process.communicate(timeout=60)
    report = json.loads(out)
    assert process.returncode == 0, err
    assert report["found"] == seen * SHARD  # nothing finished was lost or made twice
    assert report["made"] == TASKS - seen * SHARD
    assert report["damaged"] == []  # and nothing was half-written
    assert same(tmp_path, undisturbed)
    assert leftovers(tmp_path) == []


def test_two_processes_with_overlapping_ranges(tmp_path: Path, start: Start, undisturbed: WeightDataset) -> None:
    first = start(tmp_path, "--begin", 0, "--end", 60, "--seconds", 0.1)
    second = start(tmp_path, "--begin", 20, "--end", TASKS, "--seconds", 0.1)
    reports = []
    for process in (first, second):
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        reports.append(json.loads(out))
    assert same(tmp_path, undisturbed)
    assert sum(report["made"] for report in reports) == TASKS  # the locks spared them double work


def test_a_killed_process_does_not_hold_up_another(tmp_path: Path, start: Start, undisturbed: WeightDataset) -> None:
    dying = start(tmp_path, "--seconds", 30)  # holds the lock of the first shard
    while not (tmp_path / ".lock").exists():
        time.sleep(0.01)
    time.sleep(0.3)
    other = start(tmp_path)
    wait_for_shards(tmp_path, TASKS // SHARD - 1, other)
    assert other.poll() is None  # waits for the one that is being made
    dying.kill()
    out, err = other.communicate(timeout=60)
    assert other.returncode == 0, err
    assert json.loads(out)["made"] == TASKS
    assert same(tmp_path, undisturbed)


@pytest.mark.parametrize("fault", ["truncated", "flipped"])
def test_a_damaged_shard_is_named_and_made_again(
    tmp_path: Path, fault: str, start: Start, undisturbed: WeightDataset
) -> None:
    shutil.copytree(undisturbed.folder, tmp_path, dirs_exist_ok=True)
    victim = list_shards(tmp_path)[3]
    content = bytearray(victim.read_bytes())
    if fault == "truncated":
        content = content[: len(content) * 2 // 3]
    else:
        content[random.Random(5).randrange(len(content) - 1000, len(content))] ^= 16
    victim.write_bytes(content)
    process = start(tmp_path)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    report = json.loads(out)
    assert report["damaged"] == [victim.name]
    assert report["made"] == SHARD
    assert victim.name in err
    assert "made again" in err
    assert (tmp_path / f"{victim.name}.damaged").read_bytes() == bytes(content)  # kept, for who wants to look
    assert same(tmp_path, undisturbed)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(disk)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no mount command here: a full disk cannot be had")
    if done.returncode:
        pytest.skip(f"a small tmpfs may not be mounted here: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_full_disk(small_disk: Path, start: Start, undisturbed: WeightDataset) -> None:
    process = start(small_disk)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    assert "No space left" in err
    assert "Traceback" not in err
    finished = list_shards(small_disk)
    assert 0 < len(finished) < TASKS // SHARD
    assert leftovers(small_disk) == []  # nothing half-written
    WeightDataset.open(small_disk, complete=False)  # and what is there is whole
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    process = start(small_disk)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["found"] == len(finished) * SHARD
    assert same(small_disk, undisturbed)
