"""A checkout of the reference in our terms: weight datasets, tasks, conditions and generators."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch

from t2w.datasets import class_list
from t2w.errors import T2WError
from t2w.files import atomic_folder, save_tensors
from t2w.interop.import_adapters import TEXT_MODE, import_adapters
from t2w.interop.reference import COEFFICIENT, load_reference_generator
from t2w.interop.reference_splits import load_split
from t2w.interop.reference_yaml import DATASETS, dataset_of, load_yaml
from t2w.tasks import Task, TaskSet, load_data_point, save_tasks

__all__ = ["SPLITS", "check_new", "import_tree"]

SPLITS = {"train.json": "train", "val.json": "validation"}
_ADAPTERS = ("checkpoints/base.pt", "checkpoints/*/task.pt")


def check_new(out: str | Path) -> Path:
    """`out`, where it is not there yet or empty. Raises T2WError where it is not."""
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise T2WError(f"{out} is there and not empty", fix="choose a new folder")
    return out


def import_tree(
    root: str | Path,
    out: str | Path,
    *,
    weights: Literal["G", "G_ema"] = "G",
    n_head: int | None = None,
    skip_damaged: bool = False,
) -> list[str]:
    """Write what is under `root` into the new folder `out`, all of it or nothing.

    `out` gets, for each dataset, `<dataset>/adapters` (a weight dataset), `<dataset>/tasks.json` and
    `<dataset>/conditions.safetensors` (the tasks' text embeddings and indices); for each training run
    `<run>/generator.safetensors`.

    Args:
        weights: the generator's: "G", which the reference samples with, or their moving average "G_ema".
        n_head: of generators whose results folder has no config.yaml to tell; None: those are left out, and named.
        skip_damaged: leave out adapters that cannot be read, and name them; False: refuse.

    Returns:
        What was found, written, left out and not there; one sentence each.
    """
    root, out = Path(root), check_new(out)
    if not root.is_dir():
        raise T2WError(f"there is no folder {root}", expected="the root of a checkout of the reference")
    wanted = ("data_point.json", *SPLITS, *_ADAPTERS)
    datasets = [path for path in sorted(root.glob("data_gen/*/")) if any(any(path.glob(name)) for name in wanted)]
    runs = [path for path in sorted(root.glob("results/*/")) if any(path.glob("checkpoints/*.pt"))]
    if not datasets and not runs:
        raise T2WError(
            f"{root} holds nothing of the reference",
            expected=f"data_gen/<dataset>/ with any of {', '.join(wanted)}, or results/<name>/checkpoints/best.pt",
            fix="give the root of its checkout",
        )
    said: list[str] = []
    with atomic_folder(out) as draft:
        for folder in datasets:
            said += _import_dataset(folder, draft / DATASETS.get(folder.name, folder.name), skip_damaged=skip_damaged)
        for folder in runs:
            said.append(_import_run(folder, draft / folder.name, weights=weights, n_head=n_head))
        if not any(draft.rglob("*.*")):
            raise T2WError(f"nothing in {root} can be imported: {'; '.join(said)}")
    return [line.replace(str(draft), str(out)) for line in said]


def _import_dataset(folder: Path, out: Path, *, skip_damaged: bool) -> list[str]:
    said = [f"{folder}: no {name}" for name in ("data_point.json", *SPLITS) if not (folder / name).is_file()]
    entries, splits, classes = [], {}, {}
    for name, split in SPLITS.items():
        if (folder / name).is_file():
            for entry in load_split(folder / name):
                entries.append(entry)
                splits[entry.index], classes[entry.index] = split, tuple(entry.selected_classes)
    if (folder / "data_point.json").is_file():
        tasks = _read_tasks(folder, out.name, splits)
        save_tasks(out / "tasks.json", tasks)
        classes |= {task.id: task.classes for task in tasks.tasks}
        said.append(f"{out / 'tasks.json'}: {len(tasks.tasks)} tasks")
    if entries:
        text, index = [entry.text_features for entry in entries], [entry.index for entry in entries]
        path = out / "conditions.safetensors"
        save_tensors(path, {"text": torch.tensor(text), "index": torch.tensor(index)})
        said.append(f"{path}: the text embeddings of {len(entries)} tasks")
    return said + import_adapters(folder, out / "adapters", classes=classes, splits=splits, skip_damaged=skip_damaged)


def _read_tasks(folder: Path, dataset: str, splits: Mapping[int, str]) -> TaskSet:
    """Tasks in neither train.json nor val.json were not trained on, and so are unseen combinations."""
    path, other = folder / "data_point.json", "unseen_combination" if splits else "train"
    tasks = load_data_point(path, dataset=dataset, text_mode=TEXT_MODE)
    used = {name for task in tasks for name in task.classes}
    names = class_list(dataset) if folder.name in DATASETS else tuple(sorted(used))
    placed = (Task(t.id, t.classes, t.texts, dataset, splits.get(t.id, other)) for t in tasks)  # type: ignore[arg-type]
    try:
        return TaskSet(dataset, names, (), TEXT_MODE.to_dict(), 42, tuple(placed))
    except T2WError as error:
        raise T2WError(f"{path}: {error.found}", expected=error.expected, fix=error.fix) from error


def _import_run(folder: Path, out: Path, *, weights: Literal["G", "G_ema"], n_head: int | None) -> str:
    # best.pt, or the latest numbered one where there is none.
    checkpoint = max(folder.glob("checkpoints/*.pt"), key=lambda path: (path.stem == "best", path.stem))
    config = load_yaml(folder / "config.yaml") if (folder / "config.yaml").is_file() else {}
    data, sizes = (found if isinstance(found := config.get(name), dict) else {} for name in ("dataset", "transformer"))
    heads = sizes.get("n_head", n_head)
    if heads is None:
        return f"{checkpoint}: left out: no {folder / 'config.yaml'} tells its n_head; give --n-head"
    coefficient = 1.0 if data.get("normalizer") == "none" else data.get("openai_coeff", COEFFICIENT)
    identity: dict[str, Any] = {
        "name": folder.name,
        "dataset": dataset_of(folder.name),
        "text_encoder": "OpenAI CLIP ViT-B/32, embeddings as they come",
        "vision": {"identity": "torchvision resnet18 (ImageNet)", "preprocessing": "the reference's"},
    }
    how: dict[str, Any] = {"n_head": heads, "weights": weights, "coefficient": coefficient}
    generator = load_reference_generator(checkpoint, **how, identity=identity)
    generator.save(out / "generator.safetensors")
    count = sum(p.numel() for p in generator.network.parameters())
    return f"{out / 'generator.safetensors'}: a generator of {count:,} parameters ({weights} of {checkpoint})"
