"""The folder of shards: which positions it covers, and damaged files set aside. The shards alone are the truth."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from t2w.adapters.store.shard import DamagedShard, Shard, read_shard, shard_range
from t2w.differences import described
from t2w.errors import T2WError

__all__ = ["check_same", "gaps", "list_shards", "remove_abandoned", "set_aside"]

_ABANDONED_SECONDS = 3600.0  # a shard is written in seconds


def list_shards(folder: str | Path, begin: int = 0, end: int | None = None) -> list[Path]:
    """The shard files that hold any of the positions [begin, end), in order; `end` None: to the last."""
    found = []
    with suppress(FileNotFoundError, NotADirectoryError):
        for path in Path(folder).iterdir():
            span = shard_range(path)
            if span and span[1] > begin and (end is None or span[0] < end):
                found.append((span, path))
    return [path for _, path in sorted(found)]


def gaps(shards: Iterable[Path], begin: int, end: int) -> list[tuple[int, int]]:
    """The parts of [begin, end) that none of the shards, by their names, holds, in order."""
    missing, at = [], begin
    for first, last in sorted(filter(None, map(shard_range, shards))):
        if first > at and at < end:
            missing.append((at, min(first, end)))
        at = max(at, last)
    return [*missing, (at, end)] if at < end else missing


def check_same(path: Path, shard: Shard, fingerprint: str, identity: Mapping[str, Any]) -> None:
    """Refuse a shard of another job.

    Raises:
        T2WError: says in what the two jobs differ.
    """
    if shard.fingerprint == fingerprint:
        return
    found = ", ".join(described(shard.identity, identity)) or "of an identity spelt otherwise"
    raise T2WError(
        f"{path} belongs to another job ({shard.fingerprint}: {found})",
        expected=f"adapters of job {fingerprint}",
        fix="choose another folder, or remove that one's shards",
    )


def set_aside(path: Path) -> Path | None:
    """Rename a damaged shard to `<name>.damaged` (`.damaged.1`, ... where that is taken).

    Returns:
        The new name; None when another process has already done so, or has made the shard again.
    """
    number, aside = 0, path.with_name(f"{path.name}.damaged")
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged.{number}")
    try:
        path.rename(aside)
        read_shard(aside, span=shard_range(path))
    except FileNotFoundError:
        return None
    except DamagedShard:
        return aside
    aside.replace(path)  # another process made it again between our reading and our renaming
    return None


def remove_abandoned(folder: Path) -> None:
    """Remove temporary files of shards that nobody has written to for an hour: their process was killed."""
    for path in folder.glob(".adapters-*.tmp"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()
