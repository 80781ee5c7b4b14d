"""A pure function of many ranges, spread over a Ray cluster (extra t2w[scale]).

What all calls share is put into Ray's object store once, and unpacked once by each worker; every range is one Ray task,
and its result comes back to this process. So a lost worker leaves nothing behind: its range is made again.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from typing import Any, TypeVar

from t2w.errors import T2WError
from t2w.extras import needs

__all__ = ["Cluster", "connected", "spread"]

R = TypeVar("R")

_RETRIES = 5  # of a range whose worker died; more deaths than that are not bad luck
_CONNECT_SECONDS = 5.0
_HINT = "check the cluster with `ray status`, or leave launcher.address out for a cluster of this machine alone"


@dataclass(frozen=True)
class Cluster:
    """Where work is spread.

    Attributes:
        address: of the cluster ("auto": the one this machine belongs to); None: one on this machine, all its cores, for
            the time of the call. A Ray that was connected before is used and left running.
        device: "auto" or "cuda" for its GPUs, where it has some; else what every worker is told.
    """

    address: str | None = None
    device: str = "auto"


def spread(make: Callable[..., R], spans: Iterator[tuple[int, int]], cluster: Cluster) -> Generator[R, None, None]:
    """Call `make(begin, end, device=...)` for every span, on all CPUs of a cluster or on all its GPUs.

    A call has one CPU, or one GPU and its share of the node's CPUs.

    Args:
        make: a pure function, packed with all it needs.
        spans: the next are asked for when a worker is nearly free.

    Returns:
        The results, as they are finished.

    Raises:
        T2WError: Ray is not installed, no cluster answers, or a worker's error.
    """
    with connected(cluster.address) as ray:
        resources, device = ray.cluster_resources(), cluster.device
        gpus = int(resources.get("GPU", 0)) if device == "auto" or device.startswith("cuda") else 0
        cpus = _cpus_of_a_gpu(ray) if gpus else 1
        remote = ray.remote(num_cpus=cpus, num_gpus=int(gpus > 0), max_retries=_RETRIES)(_call)
        # Ray shows a task only the GPU it was given, as the first one.
        shared = [ray.put(partial(make, device="cuda:0" if gpus else device))]  # in a list: for the worker to unpack
        at_once = 2 * max(1, gpus or int(resources.get("CPU", 1)))  # so that no worker waits for this process
        waiting: list[Any] = []
        while True:
            waiting += [remote.remote(shared, *span) for span in islice(spans, at_once - len(waiting))]
            if not waiting:
                return
            (ready,), waiting = ray.wait(waiting, num_returns=1)
            yield _result(ray, ready)
            del ready  # a result that was taken makes place for the next


def _call(shared: list[Any], *span: int) -> Any:
    return _unpacked(shared[0])(*span)


@lru_cache(maxsize=1)
def _unpacked(reference: Any) -> Any:
    import ray

    return ray.get(reference)


def _cpus_of_a_gpu(ray: Any) -> int:
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("GPU")]
    return max(1, min(int(node.get("CPU", 1) // node["GPU"]) for node in nodes))


def _result(ray: Any, task: Any) -> Any:
    try:
        return ray.get(task)
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
            f"the Ray cluster lost a piece of work {_RETRIES + 1} times ({_first_line(error)})",
            fix="look at the workers' memory, then run the same command again: what is finished is kept",
        ) from error


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
    # "local", not None: of the latter, Ray makes a cluster that it has started here before, or that RAY_ADDRESS names.
    local = {"address": "local", "include_dashboard": False, "num_cpus": os.cpu_count()}
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
