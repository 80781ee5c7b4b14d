"""Image datasets in Parquet files: of the Hugging Face hub ("hf://owner/name"), or in a folder (extra t2w[publish])."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np

from t2w.datasets.image_set import ImageSet
from t2w.datasets.lazy import LazyImages
from t2w.datasets.tree import stratified
from t2w.errors import T2WError, first_line
from t2w.extras import needs
from t2w.files import fingerprint
from t2w.network import ANSWER_SECONDS, within

__all__ = ["load_hub"]

_REFERENCE = re.compile(r"hf:/{1,2}(?:datasets/)?([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")
_TEST_SPLITS = ("test", "validation", "valid", "val")
_LABELS = ("fine_label", "label", "labels")  # CIFAR-100 has two columns of labels


def load_hub(source: str | Path, *, name: str, split_seed: int = 0) -> tuple[ImageSet, ImageSet]:
    """(train, test) of a dataset with one column of images and one of class labels.

    The test split is test, else validation, whichever has labels; where there is none, 80 % of every class are drawn
    to train on. `source` is "hf://owner/name", "hf://owner/name@revision", or a folder of Parquet files.

    Raises T2WError where `datasets` is not installed, the hub does not answer, or there are no labelled images.
    """
    parts, identity = _opened(source)
    if "train" not in parts:
        raise T2WError(f"{source} has the splits {', '.join(parts)}", expected="train")
    image, label, class_names = _columns(parts["train"], source)
    test = next((split for split in _TEST_SPLITS if split in parts and min(parts[split][label]) >= 0), None)
    labels = {split: parts[split][label][:] for split in ("train", test) if split is not None}
    train_rows, *test_rows = ([f"{split}/{row}" for row in range(len(own))] for split, own in labels.items())
    how: dict[str, Any] = {"split": f"train and {test}"}
    if test is None:
        of_class: dict[str, list[str]] = defaultdict(list)
        for row, position in zip(train_rows, labels["train"], strict=True):
            of_class[class_names[position]].append(row)
        *halves, how = stratified(of_class, split_seed)
        train_rows, *test_rows = (sorted(chain(*half.values()), key=_place) for half in halves)
    rows = _Rows(Path(str(source)), identity, image, {split: _encoded(parts[split], image) for split in labels})

    def part(split: Literal["train", "test"], names: list[str]) -> ImageSet:
        places = map(_place, names)
        return ImageSet(
            LazyImages(rows, names), np.array([labels[own][row] for own, row in places], dtype=np.int64), class_names,
            split, name, parts["train"].info.license or "unknown", source if isinstance(source, str) else source.name,
            provenance={**how, "identity": identity, "files": fingerprint(names)},
        )  # fmt: skip

    return part("train", train_rows), part("test", test_rows[0])


def _place(name: str) -> tuple[str, int]:
    """Split and row of a name such as "train/17"."""
    split, _, row = name.rpartition("/")
    return split, int(row)


@dataclass(frozen=True, eq=False)
class _Rows:
    """The encoded images of all splits, as if they were files of an archive: "train/17"."""

    path: Path
    identity_of_all: str
    column: str
    tables: dict[str, Any]

    @property
    def names(self) -> list[str]:
        return [f"{split}/{row}" for split, table in self.tables.items() for row in range(len(table))]

    def read(self, name: str) -> bytes:
        split, row = _place(name)
        stored = self.tables[split][row][self.column]
        content: bytes | None = stored["bytes"]
        return Path(stored["path"]).read_bytes() if content is None else content

    def identity(self, name: str) -> list[Any]:
        return [self.identity_of_all, name]


def _opened(source: str | Path) -> tuple[Any, str]:
    """The splits, and what tells this version of the data from others."""
    with needs(str(source)):
        import datasets

    # From version 4 on, no dataset's own code is run at all.
    safely: dict[str, Any] = {"trust_remote_code": False} if int(datasets.__version__.split(".")[0]) < 4 else {}
    if isinstance(source, Path):
        sizes = sorted((file.relative_to(source).as_posix(), file.stat().st_size) for file in source.rglob("*.parquet"))
        try:
            return datasets.load_dataset(str(source), **safely), fingerprint(sizes)
        except Exception as error:
            found = f"{source} is no dataset that can be read ({first_line(error):.200})"
            raise T2WError(found, expected="Parquet files") from error
    match = _REFERENCE.fullmatch(source)
    if match is None:
        raise T2WError(f"dataset path is {source!r}", expected="hf://owner/name or hf://owner/name@revision")
    repository, revision = match.groups()
    try:
        revision = _commit(repository, revision) or revision
        return datasets.load_dataset(repository, revision=revision, **safely), f"{repository}@{revision or 'cached'}"
    except Exception as error:
        raise T2WError(
            f"hf://{repository} cannot be fetched from the Hugging Face hub ({first_line(error):.200})",
            fix=f"where there is a network run: hf download --repo-type dataset {repository} --local-dir DIR, "
            "then dataset.path=DIR",
        ) from error


def _commit(repository: str, revision: str | None) -> str | None:
    """The commit on the hub; None where the hub is switched off (HF_HUB_OFFLINE) and only its cache is asked."""
    from huggingface_hub import HfApi, constants

    if constants.HF_HUB_OFFLINE:
        return None
    api, seconds = HfApi(), ANSWER_SECONDS
    return within(seconds, lambda: api.dataset_info(repository, revision=revision, timeout=seconds)).sha


def _columns(table: Any, source: str | Path) -> tuple[str, str, tuple[str, ...]]:
    """The column of images, the column of labels, and the labels' names."""
    import datasets

    images = [name for name, kind in table.features.items() if isinstance(kind, datasets.Image)]
    labels = [name for name, kind in table.features.items() if isinstance(kind, datasets.ClassLabel)]
    label = next((name for name in _LABELS if name in labels), labels[0] if len(labels) == 1 else None)
    if len(images) != 1 or label is None:
        kinds = (f"{name} ({type(kind).__name__})" for name, kind in table.features.items())
        raise T2WError(
            f"{source} has the columns {', '.join(kinds)}",
            expected="one of kind Image, and one of kind ClassLabel called label",
        )
    return images[0], label, tuple(table.features[label].names)


def _encoded(table: Any, image: str) -> Any:
    """The column of images alone, as the files' bytes."""
    import datasets

    return table.select_columns([image]).cast_column(image, datasets.Image(decode=False))
