"""Shards made on a Ray cluster (extra t2w[scale]).

The job's tensors are put into Ray's object store once; every shard is one Ray task that returns it to this process,
which writes it. So nodes need no shared file system, and a lost worker leaves nothing behind: its shard is made again.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any

from t2w.adapters.store import Shard
from t2w.errors import T2WError
from t2w.extras import needs

__all__ = ["connected", "make_on_ray"]

_RETRIES = 5  # of a shard whose worker died; more deaths than that are not bad luck
_CONNECT_SECONDS = 5.0
_HINT = "check the cluster with `ray status`, or leave launcher.address out for a cluster of this machine alone"


def make_on_ray(
    make: partial[Shard], spans: Iterator[tuple[int, int]], *, device: str, address: str | None
) -> Iterator[Shard]:
    """Make shards on all CPUs of a cluster, or on all its GPUs where it has some and `device` allows it.

    Args:
        make: called with `device` and the bounds of a shard, on a worker.
        spans: bounds of the shards; the next are asked for when a worker is nearly free.
        address: of the cluster ("auto": the one this machine belongs to); None: one on this machine, all its cores,
            for the time of the call. A Ray that was connected before is used and left running.

    Returns:
        The shards, as they are finished.

    Raises:
        T2WError: Ray is not installed, no cluster answers, or a worker's error.
    """
    with connected(address) as ray:
        resources = ray.cluster_resources()
        gpus = int(resources.get("GPU", 0)) if device == "auto" or device.startswith("cuda") else 0
        remote = ray.remote(num_cpus=1, num_gpus=int(gpus > 0), max_retries=_RETRIES)(lambda make, *span: make(*span))
        # Ray shows a task only the GPU it was given, as the first one.
        shared = ray.put(partial(make, device="cuda:0" if gpus else device))
        at_once = 2 * max(1, gpus or int(resources.get("CPU", 1)))  # so that no worker waits for this process
        waiting: list[Any] = []
        while True:
            waiting += [remote.remote(shared, *span) for span in islice(spans, at_once - len(waiting))]
            if not waiting:
                return
            (ready,), waiting = ray.wait(waiting, num_returns=1)
            yield _result(ray, ready)


def _result(ray: Any, task: Any) -> Shard:
    try:
        shard: Shard = ray.get(task)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, T2WError):
            raise error.cause from error
        if isinstance(error.cause, ImportError | ray.exceptions.RaySystemError):
            raise T2WError(
                f"a node of the Ray cluster cannot run t2w ({_first_line(error.cause)})",
                fix='pip install the same "t2w[scale]" on every node',
            ) from error
        raise
    except ray.exceptions.RayError as error:
        raise T2WError(
            f"the Ray cluster lost a shard {_RETRIES + 1} times ({_first_line(error)})",
            fix="look at the workers' memory, then run the same command again: finished shards are kept",
        ) from error
    return shard


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """The module `ray`, connected; what was connected here is ended at the end."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves the machine unasked
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    with needs("launcher=ray"):
        import ray
    if ray.is_initialized():
        yield ray
        return
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    local = {"include_dashboard": False, "num_cpus": os.cpu_count()}
    try:
        if host and port.isdigit():  # Ray itself would wait for minutes where nobody answers
            socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()
        options = local if address is None else {"address": address}
        ray.init(**options, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        raise T2WError(f"no Ray cluster at {address!r} ({_first_line(error)})", fix=_HINT) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
