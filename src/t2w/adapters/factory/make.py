"""The factory: a job's adapters into one folder, shard by shard, by any number of processes, none lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from t2w.adapters import store
from t2w.adapters.batched import TrainedAdapters, train_tasks
from t2w.adapters.factory.job import AdapterJob
from t2w.adapters.factory.shards import make_shard
from t2w.cluster import Cluster, spread
from t2w.devices import resolve_device
from t2w.errors import T2WError
from t2w.progress import progress

__all__ = ["FactoryReport", "Launcher", "make_adapters"]

log = logging.getLogger("t2w")

Launcher = Literal["local", "ray"]

_CPU_SHARD = 256  # seconds of work to lose
_ACCELERATOR_SHARD = 2048  # fills an accelerator


@dataclass(frozen=True)
class FactoryReport:
    """What one call of the factory did.

    Attributes:
        begin, end: the positions of the whole shards asked for; all of them are in the folder now.
        found, made: adapters of these that were there before, and that were made.
        written: names of the shards written.
        damaged: names of the shards that were found damaged, set aside and made again.
    """

    begin: int
    end: int
    found: int
    made: int
    written: tuple[str, ...]
    damaged: tuple[str, ...]


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
    trainer: Callable[..., TrainedAdapters] = train_tasks,
) -> FactoryReport:
    """Make the adapters of a range of the job's tasks that `folder` does not hold yet.

    It may be stopped at any moment and called again, also by several processes at once, on one machine or (with a
    shared folder) on several: the folder ends up with the same adapters. Processes at work on the same positions spare
    each other finished shards alone, so give each a range of its own.

    Args:
        begin, end: positions in `job.tasks`, [begin, end), widened to whole shards; `end` None: to the last.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        shard_size: adapters per file, trained together; None: 256 on CPUs, 2048 on accelerators. Shards end at its
            multiples. Shards of another size that are there are kept as they are.
        group_size: tasks trained at once; None: what suits the device.
        launcher: "local": in this process; "ray": on a Ray cluster (extra t2w[scale]).
        address: of the Ray cluster, or "auto" for the one this machine belongs to; None: one for this call alone.
        trainer: what trains, called as `t2w.adapters.train_tasks` is.

    Raises:
        T2WError: the range is not within the job, the folder holds adapters of another job, the disk is full, an
            adapter is not finite, or Ray is not there. What was finished before is kept, nothing is half-written.
    """
    folder = Path(folder)
    if launcher not in get_args(Launcher):
        raise T2WError(f"launcher is {launcher!r}", expected="local or ray")
    # A wrong name is told before anything is written; of a cluster, only its workers know the devices.
    kind = resolve_device(device).type if launcher == "local" else device.partition(":")[0]
    size = (_ACCELERATOR_SHARD if kind in ("cuda", "mps") else _CPU_SHARD) if shard_size is None else shard_size
    begin, end = _whole_shards(begin, end, size, total=len(job))
    contents = _Contents(folder, job)
    # A gap is cut at the multiples of the shard size.
    missing = [
        (max(first, cut), min(last, cut + size))
        for first, last in contents.missing(begin, end)
        for cut in range(first // size * size, last, size)
    ]
    still_missing = (shard for shard in missing if contents.missing(*shard))  # asked when a shard's turn has come
    found = end - begin - sum(last - first for first, last in missing)
    make = partial(make_shard, job, device=device, group_size=group_size, trainer=trainer)
    written, made = [], 0
    with progress("adapters", total=end - begin, unit="adapter", initial=found) as bar:
        if launcher == "local" or not missing:
            shards: Generator[store.Shard, None, None] = (make(*shard, on_group=bar.update) for shard in still_missing)
        else:
            # A worker is told its device; this process has no say in it.
            make = partial(make_shard, job, group_size=group_size, trainer=trainer)
            shards = spread(make, still_missing, Cluster(address, device))
        with closing(shards):
            for shard in shards:
                written.append(store.write_shard(folder, shard).name)
                made += len(shard.records)
                if launcher == "ray":
                    bar.update(len(shard.records))
    return FactoryReport(begin, end, found, made, tuple(written), tuple(contents.damaged))


def _whole_shards(begin: int, end: int | None, size: int, *, total: int) -> tuple[int, int]:
    """The range widened to multiples of the shard size.

    The last bits of a matrix product depend on the size of the batch it is done in, and so would an adapter's on the
    range it was asked for in.
    """
    last = total if end is None else end
    if not 0 <= begin < last <= total:
        raise T2WError(
            f"tasks.begin is {begin} and tasks.end is {end}", expected=f"0 <= begin < end <= {total} (the job's tasks)"
        )
    if size < 1:
        raise T2WError(f"shard_size is {size}", expected="1 or more")
    return begin // size * size, min(-(-last // size) * size, total)


class _Contents:
    """What a folder holds of a job. A shard is read and checked once; `damaged` names those that were set aside.

    Raises:
        T2WError: the folder cannot be written in, or holds a shard of another job.
    """

    def __init__(self, folder: Path, job: AdapterJob) -> None:
        self.damaged: list[str] = []
        self._folder, self._job = folder, job
        self._valid: set[Path] = set()
        for path in store.list_shards(folder):
            with suppress(store.DamagedShard):  # set aside when its range is asked for
                self._check(path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise T2WError(f"cannot write in {folder}: {error.strerror}", fix="choose another folder") from error
        store.remove_abandoned(folder)

    def missing(self, begin: int, end: int) -> list[tuple[int, int]]:
        """The parts of [begin, end) that no valid shard holds; damaged shards there are set aside."""
        return store.gaps(filter(self._is_valid, store.list_shards(self._folder, begin, end)), begin, end)

    def _is_valid(self, path: Path) -> bool:
        if path not in self._valid:
            try:
                self._check(path)
            except store.DamagedShard as error:
                if aside := store.set_aside(path):
                    self.damaged.append(path.name)
                    log.warning("%s; set aside as %s, its adapters are made again", error.found, aside.name)
        return path.exists()  # not where it was set aside, by us or by another process

    def _check(self, path: Path) -> None:
        store.check_same(path, store.read_shard(path), self._job.fingerprint, self._job.identity)
        self._valid.add(path)
