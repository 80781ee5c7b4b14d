"""The factory on a Ray cluster of this machine: lost workers, and a job that is killed altogether."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
import torch
from tiny_job import SHARD, TASKS, slow_trainer

from t2w.adapters.factory import AdapterJob, FactoryReport, make_adapters
from t2w.adapters.store import WeightDataset, list_shards
from t2w.errors import T2WError

try:
    import ray
except ImportError:
    ray = None
needs_ray = pytest.mark.skipif(ray is None, reason='Ray is not installed: pip install "t2w[scale]"')


def near(folder: Path, undisturbed: WeightDataset) -> bool:
    """Workers may run with another number of threads: equal to rounding."""
    dataset = WeightDataset.open(folder)
    assert dataset.task_ids == undisturbed.task_ids
    assert [r.steps for r in dataset.records] == [r.steps for r in undisturbed.records]
    return torch.allclose(dataset.vectors, undisturbed.vectors, rtol=1e-5, atol=1e-6)


@needs_ray
def test_no_cluster_there(tmp_path: Path, job: AdapterJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)  # whatever tests before this one left connected
    begin = time.monotonic()
    with pytest.raises(T2WError, match=r"no Ray cluster at '127\.0\.0\.1:1'"):
        make_adapters(tmp_path, job=job, launcher="ray", address="127.0.0.1:1")
    assert time.monotonic() - begin < 10


@needs_ray
def test_a_killed_worker_s_range_is_run_again(
    tmp_path: Path, job: AdapterJob, cluster: None, undisturbed: WeightDataset
) -> None:
    folder, pids = tmp_path / "adapters", tmp_path / "pids"
    pids.mkdir()
    reports: list[FactoryReport] = []

    def work() -> None:
        trainer = partial(slow_trainer, seconds=0.1, pids=str(pids))
        reports.append(make_adapters(folder, job=job, device="cpu", shard_size=SHARD, launcher="ray", trainer=trainer))

    thread = threading.Thread(target=work)
    thread.start()
    limit = time.monotonic() + 180
    while len(list_shards(folder)) < 2:
        assert thread.is_alive()
        assert time.monotonic() < limit
        time.sleep(0.01)
    before = {int(path.name) for path in pids.iterdir()}
    assert os.getpid() not in before
    victim = sorted(before)[0]
    os.kill(victim, signal.SIGKILL)
    thread.join(60)
    assert not thread.is_alive()
    assert {int(path.name) for path in pids.iterdir()} - before  # another worker took its place
    assert reports[0].made == TASKS
    assert near(folder, undisturbed)


@needs_ray
def test_an_error_of_a_worker_is_told_in_its_own_words(tmp_path: Path, job: AdapterJob, cluster: None) -> None:
    with pytest.raises(T2WError, match="not on the cluster today"):
        make_adapters(tmp_path, job=job, device="cpu", launcher="ray", trainer=refusing_trainer)


def refusing_trainer(*args: object, **options: object) -> None:
    raise T2WError("not on the cluster today")


@needs_ray
def test_the_whole_job_killed_and_started_again(
    tmp_path: Path, start: Callable[..., ForkServerProcess], job: AdapterJob, undisturbed: WeightDataset
) -> None:
    process = start(tmp_path, launcher="ray", seconds=0.1)
    limit = time.monotonic() + 180
    while len(list_shards(tmp_path)) < 2:
        assert process.is_alive()
        assert time.monotonic() < limit
        time.sleep(0.01)
    everyone = [process.pid, *descendants(process.pid)]
    assert len(everyone) > 3  # driver, raylet, workers
    for pid in everyone:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.join()
    finished = len(list_shards(tmp_path))
    assert 0 < finished < TASKS // SHARD
    report = make_adapters(tmp_path, job=job, device="cpu", shard_size=SHARD)  # the folder does not care for Ray
    assert report.found == finished * SHARD
    assert near(tmp_path, undisturbed)


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, from /proc."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found, todo = [], [pid]
    while todo:
        todo += (below := children.get(todo.pop(), []))
        found += below
    return found


def test_without_ray_the_error_names_the_pip_command(
    tmp_path: Path, job: AdapterJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(T2WError, match=r'pip install "t2w\[scale\]"'):
        make_adapters(tmp_path, job=job, launcher="ray")
