"""Parts made on a Ray cluster (extra t2w[scale]).

The job's tensors are put into Ray's object store once; every part is one Ray task that returns its shard to the driver,
which checks and writes it. So nodes need no shared file system, one process alone writes the folder and holds its
locks, and a lost worker leaves nothing behind: Ray runs its parts again.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from t2w.adapters.factory.job import AdapterJob
from t2w.adapters.factory.plan import Part
from t2w.adapters.factory.work import Tools, make_part
from t2w.adapters.store import Shard
from t2w.errors import T2WError

__all__ = ["RayExecutor", "ray_executor"]

_RETRIES = 5  # of a part whose worker died; more deaths than that are not bad luck
_KNOCK_SECONDS = 5.0
_HINT = "check the cluster with `ray status`, or leave launcher.address out for a cluster of this machine alone"


class RayExecutor:
    """Hands parts to a running Ray, two per slot so that no worker waits for the driver."""

    def __init__(self, ray: Any, job: AdapterJob, tools: Tools) -> None:
        self._ray = ray
        resources = ray.cluster_resources()
        gpus = int(resources.get("GPU", 0)) if tools.device == "auto" or tools.device.startswith("cuda") else 0
        # Ray shows a task only the GPU it was given, as the first one.
        tools = Tools("cuda:0" if gpus else tools.device, tools.group_size, tools.trainer, tools.scorer)
        self.capacity = 2 * max(1, gpus or int(resources.get("CPU", 1)))
        self._make = ray.remote(_make).options(num_cpus=1, num_gpus=1 if gpus else 0, max_retries=_RETRIES)
        self._shared = ray.put((job, tools))
        self._parts: dict[Any, Part] = {}

    def submit(self, part: Part) -> None:
        self._parts[self._make.remote(self._shared, part)] = part

    def next(self, on_done: Callable[[int], None]) -> tuple[Part, Shard]:
        ready, _ = self._ray.wait(list(self._parts), num_returns=1)
        try:
            shard = self._ray.get(ready[0])
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, T2WError):
                raise error.cause from error
            if isinstance(error.cause, ImportError):
                raise T2WError(
                    f"a node of the Ray cluster cannot run t2w ({error.cause})",
                    fix='pip install the same "t2w[scale]" on every node',
                ) from error
            raise
        except self._ray.exceptions.RayError as error:
            first = str(error).strip().splitlines()[0]
            raise T2WError(
                f"the Ray cluster lost a range {_RETRIES + 1} times ({first})",
                fix="look at the workers' memory, then run the same command again: finished shards are kept",
            ) from error
        part = self._parts.pop(ready[0])
        on_done(len(part))
        return part, shard


def _make(shared: tuple[AdapterJob, Tools], part: Part) -> Shard:
    job, tools = shared
    return make_part(job, part, tools)


@contextmanager
def ray_executor(job: AdapterJob, tools: Tools, address: str | None) -> Iterator[RayExecutor]:
    """Connect to Ray, or start one for the time of the call; a Ray that was connected before is used and left running.

    Args:
        address: of the cluster ("auto": the one this machine belongs to); None: one on this machine, all its cores.

    Raises:
        T2WError: Ray is not installed, or no cluster answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves the machine unasked
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise T2WError("launcher=ray needs Ray, which is not installed", fix='pip install "t2w[scale]"') from error
    ours = not ray.is_initialized()
    if ours:
        start = {"include_dashboard": False, "num_cpus": os.cpu_count()} if address is None else {"address": address}
        _knock(address)
        try:
            ray.init(**start, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError) as error:
            first = str(error).strip().splitlines()[0]
            raise T2WError(f"no Ray cluster at {address!r} ({first})", fix=_HINT) from error
    try:
        yield RayExecutor(ray, job, tools)
    finally:
        if ours:
            ray.shutdown()


def _knock(address: str | None) -> None:
    """Try the address first: Ray itself would wait for minutes where nobody answers."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        try:
            socket.create_connection((host, int(port)), timeout=_KNOCK_SECONDS).close()
        except OSError as error:
            raise T2WError(f"no Ray cluster at {address!r} ({error.strerror or error})", fix=_HINT) from error
