"""Where the reference keeps its files: data_gen/<dataset>/ and results/<name>/ under the repository's root."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from t2w.errors import T2WError
from t2w.files import read_json

__all__ = ["DATASETS", "RunFiles", "TreeFiles", "check_new", "dataset_of", "find_tree", "read_class_names"]

# The reference's name of a dataset to ours.
DATASETS = {"cifar100": "cifar100", "caltech256": "caltech256", "imagenet": "tiny_imagenet"}


def dataset_of(run_name: str) -> str | None:
    """Our name of the dataset that a run such as "imagenet_classifier" is about; None where its name does not say."""
    return next((ours for theirs, ours in DATASETS.items() if run_name.startswith(theirs)), None)


@dataclass(frozen=True)
class TreeFiles:
    """The files of one dataset.

    Attributes:
        folder: data_gen/<dataset>; its name is the reference's name of the dataset.
        tasks: data_point.json; None where there is none, as for the next three.
        train, validation: train.json and val.json.
        base: checkpoints/base.pt.
        adapters: task index -> its task.pt, by index.
        strange: task.pt files whose folder is not a number.
    """

    folder: Path
    tasks: Path | None
    train: Path | None
    validation: Path | None
    base: Path | None
    adapters: dict[int, Path]
    strange: tuple[Path, ...]


@dataclass(frozen=True)
class RunFiles:
    """The files of one training run.

    Attributes:
        folder: results/<name>.
        checkpoint: checkpoints/best.pt, or the latest numbered one where there is no best.pt.
        config: config.yaml; None where there is none.
    """

    folder: Path
    checkpoint: Path
    config: Path | None


def check_new(out: str | Path) -> Path:
    """`out`, where it is not there yet or empty. Raises T2WError where it is not."""
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise T2WError(f"{out} is there and not empty", fix="choose a new folder")
    return out


def find_tree(root: str | Path) -> tuple[list[TreeFiles], list[RunFiles]]:
    """What there is under the root of a checkout of the reference.

    Raises:
        T2WError: no such folder, or nothing of the reference in it.
    """
    root = Path(root)
    if not root.is_dir():
        raise T2WError(f"there is no folder {root}", expected="the root of a checkout of the reference")
    datasets = [files for path in sorted((root / "data_gen").glob("*/")) if (files := _dataset(path))]
    runs = [run for path in sorted((root / "results").glob("*/")) if (run := _run(path))]
    if not datasets and not runs:
        raise T2WError(
            f"{root} holds nothing of the reference",
            expected="data_gen/<dataset>/data_point.json, train.json, val.json, checkpoints/<index>/task.pt "
            "or results/<name>/checkpoints/best.pt",
            fix="give the root of its checkout",
        )
    return datasets, runs


def _dataset(folder: Path) -> TreeFiles | None:
    def there(name: str) -> Path | None:
        return path if (path := folder / name).is_file() else None

    numbered: dict[int, Path] = {}
    strange = []
    for path in folder.glob("checkpoints/*/task.pt"):
        if path.parent.name.isdecimal():
            numbered[int(path.parent.name)] = path
        else:
            strange.append(path)
    found = TreeFiles(
        folder=folder,
        tasks=there("data_point.json"),
        train=there("train.json"),
        validation=there("val.json"),
        base=there("checkpoints/base.pt"),
        adapters=dict(sorted(numbered.items())),
        strange=tuple(strange),
    )
    return found if any((found.tasks, found.train, found.validation, found.base, numbered, strange)) else None


def _run(folder: Path) -> RunFiles | None:
    checkpoints = sorted(folder.glob("checkpoints/*.pt"), key=lambda path: (path.stem == "best", path.stem))
    config = folder / "config.yaml"
    return RunFiles(folder, checkpoints[-1], config if config.is_file() else None) if checkpoints else None


def read_class_names(folder: Path) -> tuple[str, ...] | None:
    """The class names of a dataset, in its order; None for a dataset that is neither known nor has a list there."""
    from t2w.datasets import class_list

    if folder.name in DATASETS:
        return class_list(DATASETS[folder.name])
    for path in sorted(folder.glob("*_classes.json")):
        return tuple(read_json(path, what="a list of class names"))
    return None
