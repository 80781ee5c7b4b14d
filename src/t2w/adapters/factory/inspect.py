"""What a folder already holds of a job: valid shards counted, damaged ones set aside, those of other jobs refused."""

from __future__ import annotations

import logging
from pathlib import Path

from t2w.adapters.factory.job import AdapterJob
from t2w.adapters.store import DamagedShard, check_same, list_shards, read_shard, set_aside, shard_range
from t2w.errors import T2WError
from t2w.files import read_metadata

__all__ = ["Inspector"]

log = logging.getLogger("t2w")


class Inspector:
    """Looks at the shards of one folder for one job. A shard is read once, and again only when its file changes.

    Attributes:
        damaged: names of the shards found damaged, in the order found.
    """

    def __init__(self, folder: Path, job: AdapterJob) -> None:
        self.damaged: list[str] = []
        self._folder, self._job = folder, job
        self._valid: dict[Path, tuple[int, int, int]] = {}

    def refuse_others(self) -> None:
        """Look at the headers of all shards.

        Raises:
            T2WError: one belongs to another job.
        """
        for path in list_shards(self._folder):
            try:
                if read_metadata(path).get("fingerprint") == self._job.fingerprint:
                    continue
                shard = read_shard(path)  # a flipped bit in the header is damage, not another job
            except DamagedShard:
                continue
            except T2WError:
                if not path.exists() or not _is_readable(path):
                    continue
                raise
            check_same(path, shard, self._job.fingerprint, self._job.identity)

    def covered(self, begin: int, end: int) -> list[tuple[int, int]]:
        """The intervals of positions that valid shards hold, of those that touch [begin, end).

        Raises:
            T2WError: a shard belongs to another job.
        """
        intervals = []
        for path in list_shards(self._folder, begin, end):
            span = shard_range(path)
            if span and self._is_valid(path):
                intervals.append(span)
        return intervals

    def _is_valid(self, path: Path) -> bool:
        try:
            status = path.stat()
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
            if self._valid.get(path) != stamp:
                check_same(path, read_shard(path), self._job.fingerprint, self._job.identity)
                self._valid[path] = stamp
        except FileNotFoundError:  # another process has just set it aside
            return False
        except DamagedShard as error:
            aside = set_aside(path) if path.exists() else None
            if aside is None:
                return path.exists()
            self.damaged.append(path.name)
            log.warning("%s; set aside as %s, its adapters are made again", error.found, aside.name)
            return False
        return True


def _is_readable(path: Path) -> bool:
    try:
        read_metadata(path)
    except T2WError:
        return False
    return True
