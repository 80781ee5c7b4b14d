"""One shard: consecutive adapters of a job, their records and the job's identity, in one self-checking file.

The file is safetensors. Tensors: `vectors` (n, P) float32 and `base` (P,) float32. Metadata, each value JSON: format,
format_version, spec, records, the fields of `_PLAIN`, and the checksum that `save_tensors` adds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from t2w.adapters.spec import AdapterSpec
from t2w.errors import T2WError
from t2w.files import load_tensors, save_tensors

__all__ = ["AdapterRecord", "DamagedShard", "Shard", "read_shard", "shard_range", "write_shard"]

_FORMAT, _VERSION = "t2w-adapters", 2  # version 1: the checksum was of the metadata's values
_NAME = re.compile(r"adapters-(\d{6,})-(\d{6,})\.safetensors")
_PLAIN = ("begin", "end", "total", "fingerprint", "identity", "texts", "provenance")  # fields stored as they are


class DamagedShard(T2WError):
    """A shard that cannot be trusted: truncated, of the wrong shape, changed since it was written, or not finite."""


@dataclass(frozen=True)
class AdapterRecord:
    """One adapter's record.

    Attributes:
        position: its place in the job's list of tasks, from 0.
        task_id: the task it was trained for.
        class_names: the task's classes, in the task's order.
        seed: the seed of all its random draws.
        steps: optimiser steps taken.
        loss: training loss at the end, cross-entropy in nats.
        validation_accuracy: top-1 in 0..1 on training images that were held out; None where none were.
        test_accuracy: top-1 in 0..1 on the official test images; None where not measured. It is stored apart, under
            "test", and nothing may be chosen by it.
        split: the split the task belongs to; None where the job named none.
    """

    position: int
    task_id: int
    class_names: tuple[str, ...]
    seed: int
    steps: int
    loss: float
    validation_accuracy: float | None = None
    test_accuracy: float | None = None
    split: str | None = None

    def to_dict(self) -> dict[str, Any]:
        values = asdict(self)
        values["test"] = {"accuracy": values.pop("test_accuracy")}
        return values

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> AdapterRecord:
        values = {**value, "class_names": tuple(value["class_names"])}
        return cls(test_accuracy=values.pop("test")["accuracy"], **values)


@dataclass(frozen=True, eq=False)
class Shard:
    """The adapters of the task positions [begin, end) of a job.

    Attributes:
        begin, end: positions in the job's list of tasks.
        total: the length of that list.
        fingerprint: hash of `identity`.
        identity: what determines the contents (seed, recipe, base, features, text, tasks, spec, dtype), JSON-like.
        spec: the adapters' sizes.
        vectors: (end - begin, P) float32.
        base: (P,) float32, the adapter they all start from.
        records: end - begin of them.
        texts: the text of each class name that occurs; empty where the job named none.
        provenance: where and how it was made (versions, device, seconds), JSON-like. Not part of the identity.
    """

    begin: int
    end: int
    total: int
    fingerprint: str
    identity: Mapping[str, Any]
    spec: AdapterSpec
    vectors: torch.Tensor
    base: torch.Tensor
    records: tuple[AdapterRecord, ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)


def shard_range(path: str | Path) -> tuple[int, int] | None:
    """The positions that a file name speaks of; None when it is not the name of a shard."""
    match = _NAME.fullmatch(Path(path).name)
    return (int(match[1]), int(match[2])) if match else None


def write_shard(folder: str | Path, shard: Shard) -> Path:
    """Write a shard whole or not at all; an earlier file of the same name is replaced.

    Raises:
        T2WError: an adapter holds NaN or infinity, or the folder cannot be written (disk full).
    """
    finite = torch.isfinite(shard.vectors).all(dim=1).tolist()
    if bad := [record.task_id for record, fine in zip(shard.records, finite, strict=False) if not fine]:
        raise T2WError(
            f"the adapters of tasks {', '.join(map(str, bad[:5]))}{' ...' if len(bad) > 5 else ''} are not finite",
            expected="numbers",
            fix="lower recipe.learning_rate, and check the features for NaN",
        )
    metadata = {
        "format": _FORMAT,
        "format_version": _VERSION,
        "spec": shard.spec.to_dict(),
        "records": [record.to_dict() for record in shard.records],
        **{name: getattr(shard, name) for name in _PLAIN},
    }
    # Names sort in the order of positions.
    path = Path(folder) / f"adapters-{shard.begin:06d}-{shard.end:06d}.safetensors"
    save_tensors(path, {"vectors": shard.vectors, "base": shard.base}, metadata)
    return path


def read_shard(path: str | Path, *, span: tuple[int, int] | None = None) -> Shard:
    """Read a shard and check all of it.

    Args:
        span: the positions it should hold; None: those its name speaks of.

    Raises:
        DamagedShard: missing, truncated, of the wrong shape, changed since it was written, or not finite.
            Names the file.
        T2WError: of another format version.
    """
    path = Path(path)

    def damaged(found: str, expected: str) -> DamagedShard:
        fix = f"run `t2w adapters` again: it sets {path.name} aside and makes it again"
        return DamagedShard(found, expected=expected, fix=fix)

    try:
        tensors, metadata = load_tensors(path, what="a shard of adapters", checked=True)
    except T2WError as error:
        raise damaged(error.found, "a complete shard of adapters") from error
    if metadata.get("format") != _FORMAT:
        raise damaged(f"{path} holds {metadata.get('format')!r}", "a complete shard of adapters")
    if metadata["format_version"] != _VERSION:
        raise T2WError(
            f"{path} is of format version {metadata['format_version']}",
            expected=f"version {_VERSION}",
            fix="read it with the version of t2w that wrote it, or make the adapters again in another folder",
        )
    # What follows was written so: a shard of a faulty writer, or put together by hand.
    shard = Shard(
        spec=AdapterSpec.from_dict(metadata["spec"]),
        vectors=tensors["vectors"],
        base=tensors["base"],
        records=tuple(map(AdapterRecord.from_dict, metadata["records"])),
        **{name: metadata[name] for name in _PLAIN},
    )
    vectors, size, positions = shard.vectors, shard.spec.size, range(shard.begin, shard.end)
    if vectors.shape != (len(positions), size) or shard.base.shape != (size,):
        raise damaged(f"shard {path} holds vectors of shape {tuple(vectors.shape)}", str((len(positions), size)))
    if vectors.dtype != torch.float32:
        raise damaged(f"shard {path} holds vectors of type {vectors.dtype}", "float32")
    if not bool(torch.isfinite(vectors).all()):
        raise damaged(f"shard {path} holds NaN or infinity", "numbers")
    named = span or shard_range(path)
    if named != (shard.begin, shard.end) or [r.position for r in shard.records] != list(positions):
        found = f"positions {shard.begin}..{shard.end} and {len(shard.records)} records"
        raise damaged(f"shard {path} holds {found}", "what its name says")
    return shard
