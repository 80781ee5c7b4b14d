"""The factory: a job's adapters into one folder, in ranges, by any number of processes, none lost."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from t2w.adapters.factory.executors import Executor, LocalExecutor
from t2w.adapters.factory.inspect import Inspector
from t2w.adapters.factory.job import AdapterJob
from t2w.adapters.factory.locks import RangeLocks
from t2w.adapters.factory.plan import Part, check_range, cut
from t2w.adapters.factory.work import Scorer, Tools, Trainer
from t2w.adapters.store import gaps, rebuild_manifest, remove_stale, write_shard
from t2w.devices import resolve_device
from t2w.errors import T2WError
from t2w.progress import progress

__all__ = ["FactoryReport", "Launcher", "make_adapters"]

Launcher = Literal["local", "ray"]

_POLL_SECONDS = 0.2
_CPU_SHARD = 256  # seconds of work to lose
_ACCELERATOR_SHARD = 2048  # fills an accelerator


@dataclass(frozen=True)
class FactoryReport:
    """What one call of the factory did.

    Attributes:
        folder: where the adapters are.
        fingerprint: the job's.
        begin, end: the range of positions asked for; all of it is in the folder now.
        found: adapters of the range that were there before.
        made: adapters made by this call.
        by_others: adapters that another process made in the meantime.
        written: names of the shards written.
        damaged: names of the shards that were found damaged, set aside and made again.
        seconds: wall-clock time.
    """

    folder: Path
    fingerprint: str
    begin: int
    end: int
    found: int
    made: int
    by_others: int
    written: tuple[str, ...]
    damaged: tuple[str, ...]
    seconds: float


def make_adapters(
    folder: str | Path,
    *,
    job: AdapterJob,
    begin: int = 0,
    end: int | None = None,
    device: str = "auto",
    shard_size: int | None = None,
    group_size: int | None = None,
    launcher: Launcher = "local",
    address: str | None = None,
    trainer: Trainer | None = None,
    scorer: Scorer | None = None,
) -> FactoryReport:
    """Make the adapters of a range of the job's tasks that `folder` does not hold yet.

    It may be stopped at any moment and called again, also for overlapping ranges by several processes at once, on one
    machine or (with a shared folder) on several: the folder ends up with the same adapters.

    Args:
        begin, end: positions in `job.tasks`, [begin, end); `end` None: to the last.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        shard_size: adapters per file, trained together; None: 256 on CPUs, 2048 on accelerators. Shards end at its
            multiples; a range that begins or ends between two of them takes the time of the whole shard there, and
            keeps the part. Changing it between calls does no harm.
        group_size: tasks trained together; None: what suits the device.
        launcher: "local": in this process; "ray": on a Ray cluster (extra t2w[scale]).
        address: of the Ray cluster, or "auto" for the one this machine belongs to; None: one for this call alone.
        trainer: what trains; None: `t2w.adapters.train_tasks`.
        scorer: what measures on test features; None: `t2w.adapters.accuracy`.

    Raises:
        T2WError: the range is not within the job, the folder holds adapters of another job, the disk is full, an
            adapter is not finite, or Ray is not there. What was finished before is kept, nothing is half-written.
    """
    start = time.monotonic()
    folder = Path(folder)
    begin, end = check_range(begin, end, len(job))
    parts = cut(begin, end, total=len(job), shard_size=shard_size or _shard_size(device, launcher))
    if launcher == "local":
        resolve_device(device)  # a wrong name is told before anything is written
    tools = Tools(device, group_size, trainer, scorer)
    inspector = Inspector(folder, job)
    inspector.refuse_others()
    with RangeLocks(folder) as locks:
        lacking = {part: sum(map(len, _missing(inspector, part))) for part in parts}
        work = _Work(folder, inspector, locks, {part: count for part, count in lacking.items() if count})
        found = end - begin - sum(lacking.values())
        if work.lacking:
            with (
                _executor(job, tools, launcher, address) as executor,
                progress("adapters", total=end - begin, unit="adapter", initial=found) as bar,
            ):
                work.run(executor, bar.update)
        rebuild_manifest(folder)
    return FactoryReport(
        folder=folder,
        fingerprint=job.fingerprint,
        begin=begin,
        end=end,
        found=found,
        made=sum(lacking.values()) - work.by_others,
        by_others=work.by_others,
        written=tuple(work.written),
        damaged=tuple(inspector.damaged),
        seconds=time.monotonic() - start,
    )


class _Work:
    """The parts still to be made: free ones first, those that another process works on when it is done (or dead)."""

    def __init__(self, folder: Path, inspector: Inspector, locks: RangeLocks, lacking: dict[Part, int]) -> None:
        self.lacking = lacking
        self.written: list[str] = []
        self.by_others = 0
        self._folder, self._inspector, self._locks = folder, inspector, locks
        self._waiting = deque(lacking)
        self._owner: dict[Part, Part] = {}  # what is being made: a gap, and the part it belongs to

    def run(self, executor: Executor, on_done: Callable[[int], None]) -> None:
        while self._waiting or self._owner:
            self._hand_over(executor, on_done)
            if self._owner:
                gap, shard = executor.next(on_done)
                self.written.append(write_shard(self._folder, shard).name)
                part = self._owner.pop(gap)
                if part not in self._owner.values():
                    self._locks.release(part.begin, part.end)
            elif self._waiting:
                time.sleep(_POLL_SECONDS)

    def _hand_over(self, executor: Executor, on_done: Callable[[int], None]) -> None:
        for _ in range(len(self._waiting)):
            if len(self._owner) >= executor.capacity:
                break
            part = self._waiting.popleft()
            if not self._locks.acquire(part.begin, part.end):
                self._waiting.append(part)
                continue
            # With the lock in hand: who held it before may have made some, or have died on the way.
            remove_stale(self._folder, part.begin, part.end)
            missing = _missing(self._inspector, part)
            gained = self.lacking[part] - sum(map(len, missing))
            self.by_others += gained
            on_done(gained)
            for gap in missing:
                self._owner[gap] = part
                executor.submit(gap)
            if not missing:
                self._locks.release(part.begin, part.end)


def _missing(inspector: Inspector, part: Part) -> list[Part]:
    return [part.sub(*gap) for gap in gaps(inspector.covered(part.begin, part.end), part.begin, part.end)]


def _shard_size(device: str, launcher: Launcher) -> int:
    kind = resolve_device(device).type if launcher == "local" else device.partition(":")[0]
    return _ACCELERATOR_SHARD if kind in ("cuda", "mps") else _CPU_SHARD


@contextmanager
def _executor(job: AdapterJob, tools: Tools, launcher: Launcher, address: str | None) -> Iterator[Executor]:
    if launcher == "local":
        yield LocalExecutor(job, tools)
    elif launcher == "ray":
        from t2w.adapters.factory.cluster import ray_executor

        with ray_executor(job, tools, address) as executor:
            yield executor
    else:
        raise T2WError(f"launcher is {launcher!r}", expected="local or ray")
