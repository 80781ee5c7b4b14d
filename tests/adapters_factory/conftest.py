from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from tiny_job import SHARD, make_slowly, tiny_job

from t2w.adapters.factory import AdapterJob, make_adapters
from t2w.adapters.store import WeightDataset
from t2w.devices import one_thread


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """As processes of their own: the same arithmetic to the last bit."""


@pytest.fixture(scope="session")
def job() -> AdapterJob:
    return tiny_job()


@pytest.fixture(scope="session")
def undisturbed(job: AdapterJob, tmp_path_factory: pytest.TempPathFactory) -> WeightDataset:
    """What the job makes when nothing happens."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with one_thread(True):
        make_adapters(folder, job=job, device="cpu", shard_size=SHARD)
    return WeightDataset.open(folder)


@pytest.fixture
def start() -> Iterator[Callable[..., ForkServerProcess]]:
    """Make the job in a process of its own; what is left of it is ended with the test."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["t2w.adapters.factory"])  # torch is loaded once for all processes
    running: list[ForkServerProcess] = []

    def run(folder: Path, **options: object) -> ForkServerProcess:
        process = forks.Process(target=make_slowly, args=(folder,), kwargs=options)
        process.start()
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.join()
