"""One shard: consecutive adapters of a job, their records and the job's identity, in one self-checking file.

The file is safetensors. Tensors: `vectors` (n, P) float32 and `base` (P,) float32. Metadata, each value JSON: see
`_METADATA`. `checksum` is the SHA-256 of all the other metadata as written (1e-05 and 1E-05 differ) and of every
tensor's name, type, shape and bytes, so that a bit flipped anywhere is found.
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

__all__ = ["AdapterRecord", "DamagedShard", "Shard", "read_shard", "shard_name", "shard_range", "write_shard"]

_FORMAT_VERSION = 2  # 1: the checksum was of the metadata's values
_FORMAT = "t2w-adapters"
_NAME = re.compile(r"adapters-(\d{6,})-(\d{6,})\.safetensors")
_PLAIN = ("begin", "end", "total", "fingerprint", "identity", "texts", "provenance")  # fields stored as they are
_METADATA = {"format", "format_version", "spec", "records", *_PLAIN}


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
        """As JSON: numbers that are not there are null."""
        values = asdict(self)
        values["test"] = {"accuracy": values.pop("test_accuracy")}
        return values

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> AdapterRecord:
        """The inverse of `to_dict`. Raises KeyError or TypeError when something is not there."""
        values = {**value, "class_names": tuple(value["class_names"]), "test_accuracy": value["test"]["accuracy"]}
        del values["test"]
        return cls(**values)


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

    @property
    def name(self) -> str:
        return shard_name(self.begin, self.end)


def shard_name(begin: int, end: int) -> str:
    """The file name of the positions [begin, end): names sort in the order of positions."""
    return f"adapters-{begin:06d}-{end:06d}.safetensors"


def shard_range(path: str | Path) -> tuple[int, int] | None:
    """The positions that a file name speaks of; None when it is not the name of a shard."""
    match = _NAME.fullmatch(Path(path).name)
    return (int(match[1]), int(match[2])) if match else None


def write_shard(folder: str | Path, shard: Shard) -> Path:
    """Write a shard whole or not at all; an earlier file of the same name is replaced.

    Raises:
        T2WError: an adapter holds NaN or infinity, or the folder cannot be written (disk full).
    """
    finite = torch.isfinite(shard.vectors).all(dim=1)
    if not bool(finite.all()):
        bad = [shard.records[i].task_id for i in torch.nonzero(~finite).flatten().tolist()]
        raise T2WError(
            f"the adapters of tasks {', '.join(map(str, bad[:5]))}{' ...' if len(bad) > 5 else ''} are not finite",
            expected="numbers",
            fix="lower recipe.learning_rate, and check the features for NaN",
        )
    tensors = {"vectors": shard.vectors.detach().cpu().contiguous(), "base": shard.base.detach().cpu().contiguous()}
    metadata = {
        "format": _FORMAT,
        "format_version": _FORMAT_VERSION,
        "spec": shard.spec.to_dict(),
        "records": [record.to_dict() for record in shard.records],
        **{name: getattr(shard, name) for name in _PLAIN},
    }
    path = Path(folder) / shard.name
    save_tensors(path, tensors, metadata)
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
    try:
        tensors, metadata = load_tensors(path, what="a shard of adapters", checked=True)
    except T2WError as error:
        raise _damaged(path, error.found, "a complete shard of adapters") from error
    if metadata.get("format") == _FORMAT and metadata.get("format_version") != _FORMAT_VERSION:
        raise T2WError(
            f"{path} is of format version {metadata.get('format_version')}",
            expected=f"version {_FORMAT_VERSION}",
            fix="read it with the version of t2w that wrote it, or make the adapters again in another folder",
        )
    if missing := sorted(_METADATA - metadata.keys()):
        raise _damaged(path, f"shard {path} lacks {', '.join(missing)}", "a complete shard of adapters")
    # What follows was written so: a shard of a faulty writer, or put together by hand.
    spec = AdapterSpec.from_dict(metadata["spec"])
    begin, end = metadata["begin"], metadata["end"]
    vectors, base = tensors.get("vectors"), tensors.get("base")
    shape = None if vectors is None else tuple(vectors.shape)
    if vectors is None or base is None or shape != (end - begin, spec.size) or base.shape != (spec.size,):
        raise _damaged(path, f"shard {path} holds vectors of shape {shape}", str((end - begin, spec.size)))
    if vectors.dtype != torch.float32:
        raise _damaged(path, f"shard {path} holds vectors of type {vectors.dtype}", "float32")
    if not bool(torch.isfinite(vectors).all()):
        raise _damaged(path, f"shard {path} holds NaN or infinity", "numbers")
    records = tuple(AdapterRecord.from_dict(record) for record in metadata["records"])
    if (span or shard_range(path)) != (begin, end) or tuple(r.position for r in records) != tuple(range(begin, end)):
        raise _damaged(
            path, f"shard {path} holds positions {begin}..{end} and {len(records)} records", "what its name says"
        )
    plain = {name: metadata[name] for name in _PLAIN}
    return Shard(spec=spec, vectors=vectors, base=base, records=records, **plain)


def _damaged(path: Path, found: str, expected: str | None) -> DamagedShard:
    return DamagedShard(
        found, expected=expected, fix=f"run `t2w adapters` again: it sets {path.name} aside and makes it again"
    )
