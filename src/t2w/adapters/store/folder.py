"""The folder of shards: which positions it covers, damaged files set aside, and the manifest, rebuilt from the shards.

The shards are the truth. `manifest.json` is a convenience for people and scripts: nothing in t2w reads it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from t2w.adapters.store.shard import FORMAT_VERSION, DamagedShard, Shard, read_shard, shard_range
from t2w.differences import described
from t2w.errors import T2WError
from t2w.files import read_metadata, write_json

__all__ = ["MANIFEST", "check_same", "gaps", "list_shards", "rebuild_manifest", "remove_stale", "set_aside"]

log = logging.getLogger("t2w")

MANIFEST = "manifest.json"


def list_shards(folder: str | Path, begin: int = 0, end: int | None = None) -> list[Path]:
    """The shard files that hold any of the positions [begin, end), in order; `end` None: to the last."""
    found = []
    with suppress(FileNotFoundError, NotADirectoryError):
        for path in Path(folder).iterdir():
            span = shard_range(path)
            if span and span[1] > begin and (end is None or span[0] < end):
                found.append((span, path))
    return [path for _, path in sorted(found)]


def gaps(covered: Iterable[tuple[int, int]], begin: int, end: int) -> list[tuple[int, int]]:
    """The parts of [begin, end) that no interval of `covered` holds, in order."""
    missing, at = [], begin
    for first, last in sorted(covered):
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
        The new name; None when another process has already done so.
    """
    number = 0
    while (aside := path.with_name(f"{path.name}.damaged" + (f".{number}" if number else ""))).exists():
        number += 1
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return None
    try:
        read_shard(aside, span=shard_range(path))
    except DamagedShard:
        return aside
    os.replace(aside, path)  # another process made it again between our reading and our renaming
    return None


def remove_stale(folder: str | Path, begin: int, end: int) -> None:
    """Remove what a killed process left of shards within [begin, end). Only for who holds the lock of these."""
    for path in Path(folder).glob(".adapters-*.tmp"):
        span = shard_range(path.name[1:].split(".safetensors")[0] + ".safetensors")
        if span and begin <= span[0] and span[1] <= end:
            with suppress(OSError):
                path.unlink()


def rebuild_manifest(folder: str | Path) -> dict[str, Any]:
    """Write `manifest.json` from the headers of the shards, atomically, and return it.

    Keys: format_version, fingerprint, identity, total (tasks of the job), count (adapters here), missing (list of
    [begin, end)), shards (file, begin, end, bytes, checksum), unreadable (shards without a header),
    damaged (files set aside).

    Raises:
        T2WError: shards of two jobs, or the folder cannot be written.
    """
    folder = Path(folder)
    shards: list[dict[str, Any]] = []
    unreadable: list[str] = []
    job: dict[str, Any] = {}
    for path in list_shards(folder):
        try:
            metadata, size = read_metadata(path, what="a shard of adapters"), path.stat().st_size
        except (T2WError, OSError):
            unreadable.append(path.name)
            continue
        job = job or {key: metadata.get(key) for key in ("fingerprint", "identity", "total")}
        if metadata.get("fingerprint") != job["fingerprint"]:
            raise T2WError(f"{path} belongs to another job", expected=str(job["fingerprint"]), fix="move it elsewhere")
        begin, end = shard_range(path) or (0, 0)
        shards.append(
            {"file": path.name, "begin": begin, "end": end, "bytes": size, "checksum": metadata.get("checksum")}
        )
    total = int(job.get("total") or 0)
    missing = gaps([(shard["begin"], shard["end"]) for shard in shards], 0, total)
    manifest = {
        "format_version": FORMAT_VERSION,
        "fingerprint": job.get("fingerprint"),
        "identity": job.get("identity"),
        "total": total,
        "count": total - sum(last - first for first, last in missing),
        "missing": [list(gap) for gap in missing],
        "shards": shards,
        "unreadable": unreadable,
        "damaged": sorted(path.name for path in folder.glob("adapters-*.damaged*")),
    }
    write_json(folder / MANIFEST, manifest)
    return manifest
