"""A checkout of the reference in our terms: weight datasets, tasks, conditions and generators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch

from t2w.errors import T2WError
from t2w.files import atomic_folder, save_tensors
from t2w.interop.import_adapters import TEXT_MODE, import_adapters
from t2w.interop.reference import COEFFICIENT, load_reference_generator
from t2w.interop.reference_splits import ReferenceEntry, load_split
from t2w.interop.reference_tree import DATASETS, RunFiles, TreeFiles, check_new, dataset_of, find_tree, read_class_names
from t2w.interop.reference_yaml import load_yaml
from t2w.tasks import Task, TaskSet, load_data_point, save_tasks

__all__ = ["import_tree"]


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

    Raises:
        T2WError: nothing of the reference in `root`, files that are damaged or foreign, or `out` is not empty.
    """
    out = check_new(out)
    datasets, runs = find_tree(root)
    said: list[str] = []
    with atomic_folder(out) as draft:
        for files in datasets:
            said += _import_dataset(files, draft, skip_damaged=skip_damaged)
        for run in runs:
            said += _import_run(run, draft, weights=weights, n_head=n_head)
        if not any(draft.rglob("*.*")):
            raise T2WError(f"nothing in {root} can be imported: {'; '.join(said)}")
    return [line.replace(str(draft), str(out)) for line in said]


def _import_dataset(files: TreeFiles, draft: Path, *, skip_damaged: bool) -> list[str]:
    name = DATASETS.get(files.folder.name, files.folder.name)
    parts: dict[str, tuple[ReferenceEntry, ...]] = {
        split: load_split(path)
        for split, path in (("train", files.train), ("validation", files.validation))
        if path is not None
    }
    listed = (("data_point.json", files.tasks), ("train.json", files.train), ("val.json", files.validation))
    said = [f"{files.folder}: no {file}" for file, path in listed if path is None]
    splits = {entry.index: split for split, entries in parts.items() for entry in entries}
    tasks = () if files.tasks is None else load_data_point(files.tasks, dataset=name, text_mode=TEXT_MODE)
    classes = {entry.index: entry.classes for entries in parts.values() for entry in entries}
    classes |= {task.id: task.classes for task in tasks}
    if tasks:
        said.append(_import_tasks(files, draft / name / "tasks.json", name, tasks, splits))
    if parts:
        entries = [entry for part in parts.values() for entry in part]
        path = draft / name / "conditions.safetensors"
        save_tensors(
            path,
            {
                "text": torch.stack([entry.text for entry in entries]),
                "index": torch.tensor([entry.index for entry in entries]),
            },
        )
        said.append(f"{path}: the text embeddings of {len(entries)} tasks")
    if not classes and files.adapters:
        return [*said, f"{files.folder}: {len(files.adapters)} adapters left out: no file says which classes they know"]
    return said + import_adapters(
        files, draft / name / "adapters", classes=classes, splits=splits, skip_damaged=skip_damaged
    )


def _import_tasks(files: TreeFiles, path: Path, name: str, tasks: Sequence[Task], splits: Mapping[int, str]) -> str:
    """tasks.json; tasks in neither train.json nor val.json were not trained on, and so are unseen combinations."""
    names = read_class_names(files.folder) or tuple(sorted({c for task in tasks for c in task.classes}))
    other = "unseen_combination" if splits else "train"
    placed = (
        Task(task.id, task.classes, task.texts, name, splits.get(task.id, other))  # type: ignore[arg-type]
        for task in tasks
    )
    try:
        task_set = TaskSet(name, names, (), TEXT_MODE.to_dict(), 42, tuple(placed))
    except T2WError as error:
        raise T2WError(f"{files.tasks}: {error.found}", expected=error.expected, fix=error.fix) from error
    save_tasks(path, task_set)
    return f"{path}: {len(task_set.tasks)} tasks"


def _import_run(run: RunFiles, draft: Path, *, weights: Literal["G", "G_ema"], n_head: int | None) -> list[str]:
    config = {} if run.config is None else load_yaml(run.config)
    heads = _value(config, "transformer", "n_head", n_head)
    if heads is None:
        return [f"{run.checkpoint}: left out: no {run.folder / 'config.yaml'} tells its n_head; give --n-head"]
    scaled = _value(config, "dataset", "normalizer", "openai") != "none"
    name = run.folder.name
    dataset = dataset_of(name)
    identity: dict[str, Any] = {
        "name": name,
        "dataset": dataset,
        "text": TEXT_MODE.to_dict(),
        "text_encoder": "OpenAI CLIP ViT-B/32",
        "vision": {"identity": "torchvision resnet18 (ImageNet)", "preprocessing": "the reference's"},
    }
    if dataset is not None:
        from t2w.datasets import class_list

        identity["class_names"] = identity["seen_classes"] = list(class_list(dataset))
    generator = load_reference_generator(
        run.checkpoint,
        n_head=heads,
        weights=weights,
        max_freq_log2=_value(config, "transformer", "max_freq_log2", 14),
        coefficient=_value(config, "dataset", "openai_coeff", COEFFICIENT) if scaled else 1.0,
        identity=identity,
    )
    path = draft / name / "generator.safetensors"
    generator.save(path)
    count = sum(p.numel() for p in generator.network.parameters())
    return [f"{path}: a generator of {count:,} parameters ({weights} of {run.checkpoint})"]


def _value(config: Mapping[str, Any], section: str, key: str, default: Any) -> Any:
    values = config.get(section)
    found = values.get(key) if isinstance(values, Mapping) else None
    return default if found is None else found
