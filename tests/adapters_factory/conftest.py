from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tiny_job import SHARD, tiny_job

from t2w.adapters.factory import AdapterJob, make_adapters
from t2w.adapters.store import WeightDataset

SCRIPT = Path(__file__).with_name("tiny_job.py")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As the processes of the script: the same arithmetic to the last bit; and small matrices gain nothing by more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def job() -> AdapterJob:
    return tiny_job()


@pytest.fixture(scope="session")
def undisturbed(job: AdapterJob, tmp_path_factory: pytest.TempPathFactory) -> WeightDataset:
    """What the job makes when nothing happens."""
    folder = tmp_path_factory.mktemp("undisturbed")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # see one_thread
    make_adapters(folder, job=job, device="cpu", shard_size=SHARD)
    torch.set_num_threads(threads)
    return WeightDataset.open(folder)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the script in a process of its own; what is left of it is ended with the test."""
    running: list[subprocess.Popen[str]] = []

    def run(folder: Path, *options: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(folder), *map(str, options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        running.append(process)
        return process

    yield run
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()
