"""The weight dataset on disk: self-checking shards in a folder."""

from t2w.adapters.store.dataset import WeightDataset
from t2w.adapters.store.folder import MANIFEST, check_same, gaps, list_shards, rebuild_manifest, remove_stale, set_aside
from t2w.adapters.store.mapped import MappedVectors
from t2w.adapters.store.publish import export_parquet
from t2w.adapters.store.push import push_folder
from t2w.adapters.store.records import AdapterRecord
from t2w.adapters.store.shard import (
    FORMAT_VERSION,
    DamagedShard,
    Shard,
    read_shard,
    shard_name,
    shard_range,
    write_shard,
)
from t2w.adapters.store.summary import Summary, summarise

__all__ = [
    "FORMAT_VERSION",
    "MANIFEST",
    "AdapterRecord",
    "DamagedShard",
    "MappedVectors",
    "Shard",
    "Summary",
    "WeightDataset",
    "check_same",
    "export_parquet",
    "gaps",
    "list_shards",
    "push_folder",
    "read_shard",
    "rebuild_manifest",
    "remove_stale",
    "set_aside",
    "shard_name",
    "shard_range",
    "summarise",
    "write_shard",
]
