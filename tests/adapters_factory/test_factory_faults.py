"""Real processes, really killed: what is started again ends with what an undisturbed run makes, bit for bit."""

from __future__ import annotations

import json
import logging
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
import torch
from tiny_job import SHARD, TASKS, slow_trainer

from t2w.adapters.factory import AdapterJob, make_adapters
from t2w.adapters.store import WeightDataset, list_shards
from t2w.errors import T2WError

Start = Callable[..., ForkServerProcess]


def same(folder: Path, undisturbed: WeightDataset) -> bool:
    dataset = WeightDataset.open(folder)
    return dataset.records == undisturbed.records and torch.equal(dataset.vectors, undisturbed.vectors)


def wait_for_shards(folder: Path, count: int, process: ForkServerProcess) -> None:
    limit = time.monotonic() + 60
    while len(list_shards(folder)) < count:
        assert process.is_alive()
        assert time.monotonic() < limit
        time.sleep(0.005)


def test_kill_of_the_process_at_random_moments(
    tmp_path: Path, start: Start, job: AdapterJob, undisturbed: WeightDataset
) -> None:
    moments = random.Random(time.time_ns())
    seen = 0
    for _ in range(2):
        process = start(tmp_path, seconds=0.05)
        wait_for_shards(tmp_path, seen + 1, process)
        time.sleep(moments.uniform(0, 0.2))
        process.kill()
        process.join()
        seen = len(list_shards(tmp_path))
        assert 0 < seen < TASKS // SHARD
    report = make_adapters(tmp_path, job=job, device="cpu", shard_size=SHARD)
    assert report.found == seen * SHARD  # nothing finished was lost or made twice
    assert report.made == TASKS - seen * SHARD
    assert report.damaged == ()  # and nothing was half-written
    assert same(tmp_path, undisturbed)


def test_two_processes_with_overlapping_ranges(
    tmp_path: Path, start: Start, job: AdapterJob, undisturbed: WeightDataset
) -> None:
    other = start(tmp_path, begin=0, end=60, seconds=0.02)
    wait_for_shards(tmp_path, 1, other)
    report = make_adapters(
        tmp_path, job=job, begin=20, device="cpu", shard_size=SHARD, trainer=partial(slow_trainer, seconds=0.02)
    )
    other.join(60)
    assert other.exitcode == 0
    assert same(tmp_path, undisturbed)
    assert (
        report.made + json.loads((tmp_path / f"{other.pid}.json").read_text()) >= TASKS
    )  # what both were at work on at once is made twice
    assert report.damaged == ()


@pytest.mark.parametrize("fault", ["truncated", "flipped"])
def test_a_damaged_shard_is_named_and_made_again(
    tmp_path: Path, fault: str, job: AdapterJob, undisturbed: WeightDataset, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(undisturbed.folder, tmp_path, dirs_exist_ok=True)
    victim = list_shards(tmp_path)[3]
    content = bytearray(victim.read_bytes())
    if fault == "truncated":
        content = content[: len(content) * 2 // 3]
    else:
        content[random.Random(5).randrange(len(content) - 1000, len(content))] ^= 16
    victim.write_bytes(content)
    with caplog.at_level(logging.WARNING, logger="t2w"):
        report = make_adapters(tmp_path, job=job, device="cpu", shard_size=SHARD)
    assert report.damaged == (victim.name,)
    assert report.made == SHARD
    assert any(victim.name in line and "made again" in line for line in caplog.messages)
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


def test_full_disk(small_disk: Path, job: AdapterJob, undisturbed: WeightDataset) -> None:
    with pytest.raises(T2WError, match="No space left"):
        make_adapters(small_disk, job=job, device="cpu", shard_size=SHARD)
    finished = list_shards(small_disk)
    assert 0 < len(finished) < TASKS // SHARD
    assert [path for path in small_disk.iterdir() if path not in finished] == []  # nothing half-written
    WeightDataset.open(small_disk, complete=False)  # and what is there is whole
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    report = make_adapters(small_disk, job=job, device="cpu", shard_size=SHARD)
    assert report.found == len(finished) * SHARD
    assert same(small_disk, undisturbed)
