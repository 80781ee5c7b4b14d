"""The weight dataset: (task, weight vector) pairs read from a folder of shards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from t2w.adapters.spec import AdapterSpec
from t2w.adapters.store.folder import check_same, gaps, list_shards
from t2w.adapters.store.shard import AdapterRecord, read_shard
from t2w.adapters.store.vectors import MappedVectors
from t2w.errors import T2WError

__all__ = ["WeightDataset"]


@dataclass(frozen=True, eq=False)
class WeightDataset:
    """The adapters of one job. Records are in memory, vectors are read from the shards when they are asked for.

    Attributes:
        folder: where the shards are.
        spec, base, fingerprint, identity, texts: as in its shards, see `Shard`.
        records: one per adapter, by position.
        provenance: how each shard was made (versions, device, seconds), JSON-like, in the order of the shards.
        total: tasks of the whole job; more than len(self) while ranges are missing, or in a subset.
        files: the shards.
        locations: (T, 2) int64, each adapter's shard (index into `files`) and its row there.
    """

    folder: Path
    spec: AdapterSpec
    base: Tensor
    fingerprint: str
    identity: Mapping[str, Any]
    records: tuple[AdapterRecord, ...]
    texts: Mapping[str, str]
    provenance: tuple[Mapping[str, Any], ...]
    total: int
    files: tuple[Path, ...]
    locations: Tensor

    @classmethod
    def open(cls, folder: str | Path, *, complete: bool = True) -> WeightDataset:
        """Open a folder of shards; every shard is read once and checked (about a second per gigabyte).

        Args:
            complete: refuse a folder in which tasks of the job are missing; False: take what is there.

        Raises:
            T2WError: no shards, tasks missing, or shards of two jobs.
            DamagedShard: a shard is truncated, of the wrong shape or changed since it was written; names it.
        """
        files = tuple(list_shards(folder))
        if not files:
            raise T2WError(
                f"no adapters in {folder}", expected="a folder of shards", fix="make them with `t2w adapters`"
            )
        first = read_shard(files[0])
        records: dict[int, AdapterRecord] = {}
        locations: dict[int, tuple[int, int]] = {}
        texts: dict[str, str] = {}
        provenance = []
        for number, path in enumerate(files):
            shard = read_shard(path) if number else first
            check_same(path, shard, first.fingerprint, first.identity)
            texts.update(shard.texts)
            provenance.append(shard.provenance)
            for row, record in enumerate(shard.records):
                # Ranges made twice (on two machines, say) hold the same adapters: the first is as good as any.
                if records.setdefault(record.position, record) is record:
                    locations[record.position] = (number, row)
        missing = gaps(files, 0, first.total)
        if complete and missing:
            named = ", ".join(f"{begin}..{end - 1}" for begin, end in missing[:4]) + " ..." * (len(missing) > 4)
            raise T2WError(
                f"{folder} holds {len(records)} of {first.total} adapters, positions {named} are missing",
                fix=f"make them with `t2w adapters tasks.begin={missing[0][0]} tasks.end={missing[-1][1]}`",
            )
        order = sorted(records)
        return cls(
            folder=Path(folder),
            spec=first.spec,
            base=first.base.clone(),  # of its own, not of the mapped file
            fingerprint=first.fingerprint,
            identity=first.identity,
            records=tuple(records[i] for i in order),
            texts=texts,
            provenance=tuple(provenance),
            total=first.total,
            files=files,
            locations=torch.tensor([locations[i] for i in order], dtype=torch.int64).reshape(-1, 2),
        )

    def __len__(self) -> int:
        return len(self.records)

    @property
    def task_ids(self) -> tuple[int, ...]:
        return tuple(record.task_id for record in self.records)

    @cached_property
    def vectors(self) -> Tensor:
        """(T, P) float32: all of them, read on first use and kept (12,000 of P = 16,912 are 812 MB)."""
        return self.mapped[:]

    @cached_property
    def mapped(self) -> MappedVectors:
        """All vectors, left on disk: each is read when it is used, and they are never all in memory."""
        return MappedVectors(self.files, self.locations, self.spec.size)

    def rows(self, index: Sequence[int] | Tensor) -> Tensor:
        """(len(index), P) float32: the vectors of these `records` (their numbers), read from the shards."""
        return self.mapped[torch.as_tensor(index, dtype=torch.int64)]

    def subset(self, index: Sequence[int] | Tensor | None = None, *, split: str | None = None) -> WeightDataset:
        """Some of the adapters, as a dataset.

        Args:
            index: numbers of `records`, in the order wanted; a bool mask (T,) is taken too. None: all.
            split: only those whose task is of this split. None: of any.
        """
        chosen = torch.arange(len(self)) if index is None else torch.as_tensor(index)
        chosen = torch.nonzero(chosen).flatten() if chosen.dtype == torch.bool else chosen.to(torch.int64)
        kept = [i for i in chosen.tolist() if split is None or self.records[i].split == split]
        return replace(self, records=tuple(self.records[i] for i in kept), locations=self.locations[kept])
