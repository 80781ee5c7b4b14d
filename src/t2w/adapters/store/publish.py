"""A weight dataset as a Hugging Face `datasets` folder, and on the hub (extra t2w[publish]).

DIR/README.md                          the card, from which `load_dataset(DIR)` knows the files
DIR/data/train-00000-of-00006.parquet  one row per adapter
DIR/base.safetensors, DIR/adapter.json what turns a row's weights into an adapter, and what determined them
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from t2w.adapters.store.card import write_card
from t2w.adapters.store.dataset import WeightDataset
from t2w.errors import T2WError
from t2w.extras import needs
from t2w.files import atomic_folder, save_tensors, write_json
from t2w.network import upload
from t2w.progress import progress

__all__ = ["export_parquet", "push_folder"]

_ROWS = 256  # adapters in memory at a time, and per row group
_MARK = "adapter.json"  # tells an earlier export from a folder of something else


def export_parquet(
    dataset: WeightDataset,
    folder: str | Path,
    *,
    name: str = "t2w adapters",
    licence: str = "unknown",
    source: str | None = None,
    rows_per_file: int = 2048,
) -> Path:
    """Write the folder whole or not at all; memory stays flat whatever the size of the dataset.

    The columns are those of `AdapterRecord`, the texts of the classes, and the weights (P float32, in their layout).

    Args:
        folder: a new or empty one, or an earlier export, which is replaced.
        name: the card's title.
        licence: of the data that the adapters were trained on, an identifier of the Hugging Face hub such as "mit".
        source: where that data comes from, a sentence for the card; None to leave it out.
        rows_per_file: adapters per Parquet file.

    Returns:
        `folder`.

    Raises:
        T2WError: the extra is missing, the dataset is empty, the folder holds something else, or the disk is full.
    """
    with needs("publishing"):
        import datasets
    if not len(dataset):
        raise T2WError("no adapters to export", expected="at least one")
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / _MARK).exists())):
        raise T2WError(f"{folder} is not empty and not an earlier export", fix="choose a new or an empty folder")
    types = dict.fromkeys(("position", "task_id", "seed", "steps"), "int64") | {"split": "string"}
    types |= dict.fromkeys(("loss", "validation_accuracy", "test_accuracy"), "float32")
    columns = {name: datasets.Value(kind) for name, kind in types.items()}
    columns |= {name: datasets.Sequence(datasets.Value("string")) for name in ("class_names", "texts")}
    columns["weights"] = datasets.Sequence(datasets.Value("float32"), length=dataset.spec.size)
    with atomic_folder(folder) as draft:
        _write_rows(dataset, draft / "data", datasets.Features(columns).arrow_schema, rows_per_file)
        save_tensors(draft / "base.safetensors", {"base": dataset.base}, {"spec": dataset.spec.to_dict()})
        adapter = {
            "spec": dataset.spec.to_dict(),
            "layout": [[parameter, list(shape)] for parameter, shape in dataset.spec.layout],
            "fingerprint": dataset.fingerprint,
            "identity": dict(dataset.identity),
            "total": dataset.total,
        }
        write_json(draft / _MARK, adapter)
        write_card(dataset, draft, name=name, licence=licence, source=source)
    return folder


def _write_rows(dataset: WeightDataset, folder: Path, schema: Any, rows_per_file: int) -> None:
    from pyarrow import parquet

    count = len(dataset)
    files = -(-count // rows_per_file)
    folder.mkdir()
    with progress("export", total=count, unit="adapter") as bar:
        for number in range(files):
            path = folder / f"train-{number:05d}-of-{files:05d}.parquet"
            last = min((number + 1) * rows_per_file, count)
            # Weights are noise to a dictionary: only names repeat.
            with parquet.ParquetWriter(path, schema, use_dictionary=["split"], write_page_index=True) as writer:
                for first in range(number * rows_per_file, last, _ROWS):
                    table = _table(dataset, range(first, min(first + _ROWS, last)), schema)
                    writer.write_table(table)
                    bar.update(len(table))


def _table(dataset: WeightDataset, index: range, schema: Any) -> Any:
    import pyarrow as pa

    rows = []
    for i in index:
        record = dataset.records[i]
        texts = [dataset.texts[name] for name in record.class_names] if dataset.texts else None
        rows.append({**vars(record), "texts": texts})
    last = len(schema) - 1  # the weights
    flat = pa.array(dataset.rows(index).reshape(-1).numpy())
    weights = pa.FixedSizeListArray.from_arrays(flat, dataset.spec.size)
    return pa.Table.from_pylist(rows, schema=schema.remove(last)).append_column(schema.field(last), weights)


def push_folder(
    folder: str | Path,
    name: str,
    *,
    token: str | None = None,
    private: bool | None = None,
    message: str | None = None,
    answer_seconds: float = 20.0,
) -> str:
    """Upload what `export_parquet` wrote as the dataset `name` of the Hugging Face hub; see `t2w.network.upload`.

    Nothing else that lies in the folder is uploaded. After a failure, another call sends what is missing.

    Returns:
        The dataset's address.

    Raises:
        T2WError: no export there, no token, the hub does not answer in time or refuses.
    """
    folder = Path(folder)
    if not (folder / "README.md").is_file() or not (folder / "data").is_dir():
        raise T2WError(f"no exported dataset in {folder}", fix="export it first: `t2w adapters --export DIR`")
    only, message = ("README.md", _MARK, "base.safetensors", "data/*.parquet"), message or "Weight dataset of t2w"
    return upload(
        folder, name, kind="dataset", token=token, private=private, message=message, only=only,
        answer_seconds=answer_seconds,
    )  # fmt: skip
