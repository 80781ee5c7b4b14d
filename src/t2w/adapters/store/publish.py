"""A weight dataset as a Hugging Face `datasets` folder: Parquet files, declared features, a card (extra t2w[publish]).

DIR/README.md                          the card, from which `load_dataset(DIR)` knows files and features
DIR/data/train-00000-of-00006.parquet  one row per adapter
DIR/base.safetensors, DIR/adapter.json what turns a row's weights into an adapter, and what determined them
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from t2w.adapters.store.card import write_card
from t2w.adapters.store.dataset import WeightDataset
from t2w.adapters.store.records import AdapterRecord
from t2w.errors import T2WError
from t2w.files import save_tensors, write_json
from t2w.progress import progress

__all__ = ["export_parquet", "need"]

_BATCH = 256  # adapters in memory at a time, and per row group
_MARK = "adapter.json"


def need(name: str) -> ModuleType:
    """Import a module of the extra t2w[publish].

    Raises:
        T2WError: not installed; names the pip command.
    """
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise T2WError(f"publishing needs {name}, which is not installed", fix='pip install "t2w[publish]"') from error


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

    Columns: position, task_id, seed, steps (int64), split (string), class_names, texts (lists of string), weights
    (a list of P float32, in the adapter's layout), loss, validation_accuracy, test_accuracy (float32, null where there
    is none).

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
    need("datasets")
    if not len(dataset):
        raise T2WError("no adapters to export", expected="at least one")
    folder = Path(folder)
    with _whole_folder(folder) as draft:
        features = _features(dataset.spec.size)
        _write_rows(dataset, draft / "data", features, rows_per_file)
        save_tensors(draft / "base.safetensors", {"base": dataset.base}, {"spec": dataset.spec.to_dict()})
        layout = [[parameter, list(shape)] for parameter, shape in dataset.spec.layout]
        write_json(
            draft / _MARK,
            {
                "spec": dataset.spec.to_dict(),
                "layout": layout,
                "fingerprint": dataset.fingerprint,
                "identity": dict(dataset.identity),
                "total": dataset.total,
            },
        )
        write_card(dataset, draft, features, name=name, licence=licence, source=source)
    return folder


def _features(size: int) -> Any:
    datasets = need("datasets")
    value = datasets.Value
    return datasets.Features(
        {
            "position": value("int64"),
            "task_id": value("int64"),
            "split": value("string"),
            "class_names": datasets.Sequence(value("string")),
            "texts": datasets.Sequence(value("string")),
            "seed": value("int64"),
            "steps": value("int64"),
            "loss": value("float32"),
            "validation_accuracy": value("float32"),
            "test_accuracy": value("float32"),
            "weights": datasets.Sequence(value("float32"), length=size),
        }
    )


def _write_rows(dataset: WeightDataset, folder: Path, features: Any, rows_per_file: int) -> None:
    parquet = need("pyarrow.parquet")
    schema = features.arrow_schema
    count = len(dataset)
    files = -(-count // rows_per_file)
    folder.mkdir()
    with progress("export", total=count, unit="adapter") as bar:
        for number in range(files):
            path = folder / f"train-{number:05d}-of-{files:05d}.parquet"
            # Weights are noise to a dictionary: only names repeat.
            with parquet.ParquetWriter(path, schema, use_dictionary=["split"], write_page_index=True) as writer:
                last = min((number + 1) * rows_per_file, count)
                for first in range(number * rows_per_file, last, _BATCH):
                    rows = range(first, min(first + _BATCH, last))
                    writer.write_table(_table(dataset, rows, schema))
                    bar.update(len(rows))


def _table(dataset: WeightDataset, rows: Sequence[int], schema: Any) -> Any:
    pa = need("pyarrow")
    records = [dataset.records[i] for i in rows]
    flat = pa.array(dataset.rows(rows).reshape(-1).numpy())
    columns: dict[str, Any] = {
        name: [getattr(record, name) for record in records]
        for name in schema.names
        if name not in ("texts", "weights", "class_names")
    }
    columns["class_names"] = [list(record.class_names) for record in records]
    columns["texts"] = [_texts(dataset, record) for record in records]
    arrays = {name: pa.array(values, type=schema.field(name).type) for name, values in columns.items()}
    arrays["weights"] = pa.FixedSizeListArray.from_arrays(flat, dataset.spec.size)
    return pa.table([arrays[name] for name in schema.names], schema=schema)


def _texts(dataset: WeightDataset, record: AdapterRecord) -> list[str] | None:
    return [dataset.texts[name] for name in record.class_names] if dataset.texts else None


@contextmanager
def _whole_folder(folder: Path) -> Iterator[Path]:
    """A draft folder beside `folder` that takes its place at the end, or is removed on any failure."""
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / _MARK).exists())):
        raise T2WError(f"{folder} is not empty and not an earlier export", fix="choose a new or an empty folder")
    draft = old = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
        yield draft
        draft.chmod(0o755)
        if folder.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".old", dir=folder.parent))
            os.replace(folder, old / "old")
        os.replace(draft, folder)
    except OSError as error:
        raise T2WError(
            f"cannot write {folder}: {error.strerror or error}", fix="free some space or choose another folder"
        ) from error
    finally:
        for leftover in (draft, old):
            if leftover is not None:
                with suppress(OSError):
                    shutil.rmtree(leftover, ignore_errors=True)
