"""The weight dataset on disk: self-checking shards in a folder."""

from t2w.adapters.store.dataset import WeightDataset
from t2w.adapters.store.folder import check_same, gaps, list_shards, remove_abandoned, set_aside
from t2w.adapters.store.publish import export_parquet, push_folder
from t2w.adapters.store.shard import (
    AdapterRecord,
    DamagedShard,
    Shard,
    read_shard,
    shard_name,
    shard_range,
    write_shard,
)
from t2w.adapters.store.summary import render_summary, summarise
from t2w.adapters.store.vectors import MappedVectors, Vectors, blocks

__all__ = [
    "AdapterRecord",
    "DamagedShard",
    "MappedVectors",
    "Shard",
    "Vectors",
    "WeightDataset",
    "blocks",
    "check_same",
    "export_parquet",
    "gaps",
    "list_shards",
    "push_folder",
    "read_shard",
    "remove_abandoned",
    "render_summary",
    "set_aside",
    "shard_name",
    "shard_range",
    "summarise",
    "write_shard",
]
