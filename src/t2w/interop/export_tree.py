"""A run of ours as a checkout of the reference has its files: tasks, adapters, text embeddings and the generator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from t2w.adapters.store import WeightDataset
from t2w.errors import T2WError
from t2w.files import atomic_folder, load_tensors, read_json
from t2w.generator import Generator, ReferenceConfig, condition_of
from t2w.interop.import_tree import SPLITS, check_new
from t2w.interop.reference import coefficient_of, save_generator
from t2w.interop.reference_adapters import save_adapter
from t2w.interop.reference_splits import ReferenceEntry, save_split, usual_path
from t2w.interop.reference_yaml import DATASETS, yaml_of_run
from t2w.progress import track
from t2w.tasks import TaskSet, load_tasks, save_data_point

__all__ = ["export_tree"]


def export_tree(run: str | Path, out: str | Path) -> list[str]:
    """Write a run's tasks, adapters, text embeddings and generator into the new folder `out`, all of it or nothing.

    Args:
        run: a run folder of ours with its adapters made; a trained generator is optional.
        out: gets data_gen/<dataset>/ and results/<name>/, as the reference has them.

    Returns:
        What was written and what cannot be expressed; one sentence each.
    """
    run, out = Path(run), check_new(out)
    record = read_json(run / "run.json", what="the record of a run", fix="give the folder of a run: t2w run out=DIR")
    tasks = load_tasks(run / "tasks" / "tasks.json")
    weights = WeightDataset.open(run / "adapters" / "weights")
    with atomic_folder(out) as draft:
        name = {ours: theirs for theirs, ours in DATASETS.items()}.get(tasks.dataset, tasks.dataset)
        folder = draft / "data_gen" / name
        save_data_point(folder / "data_point.json", tasks.tasks)
        said = [f"{folder / 'data_point.json'}: {len(tasks.tasks)} tasks"]
        save_adapter(folder / "checkpoints" / "base.pt", weights.spec, weights.base)
        for place, one in enumerate(track(weights.records, "export", total=len(weights), unit="adapter")):
            (vector,) = weights.rows([place])
            save_adapter(folder / usual_path(one.task_id), weights.spec, vector, one.test_accuracy)
        said.append(f"{folder / 'checkpoints'}: base.pt and {len(weights)} adapters of {weights.spec.size} weights")
        said += _export_splits(run, folder, tasks, weights)
        said.append(_export_generator(run, draft, record["config"]))
    return [line.replace(str(draft), str(out)) for line in said]


def _export_splits(run: Path, folder: Path, tasks: TaskSet, weights: WeightDataset) -> list[str]:
    """train.json and val.json: the adapters there are, each with its task's text embedding pooled."""
    path = run / "features" / "texts.safetensors"
    text = load_tensors(path, what="class texts")[0].get("text")
    if text is None or len(text) != len(tasks.class_names):
        raise T2WError(f"{path} does not hold one text for each of {len(tasks.class_names)} classes")
    position = {name: i for i, name in enumerate(tasks.class_names)}
    said = []
    for file, split in SPLITS.items():
        records = [record for record in weights.records if record.split == split]
        if not records:
            said.append(f"{folder / file}: left out: no {split} adapters")
            continue
        classes = [[position[name] for name in record.class_names] for record in records]
        pooled = condition_of(text, classes, conditioning="pooled").tokens[:, 0].tolist()
        entries = [
            ReferenceEntry(
                index=r.task_id, selected_classes=list(r.class_names), path=usual_path(r.task_id), text_features=t
            )
            for r, t in zip(records, pooled, strict=True)
        ]
        save_split(folder / file, entries)
        said.append(f"{folder / file}: {len(entries)} tasks, text embeddings of {text.shape[1]} numbers")
    return said


def _export_generator(run: Path, draft: Path, config: dict[str, Any]) -> str:
    from omegaconf import OmegaConf

    path = run / "train" / "generator.safetensors"
    if not path.is_file():
        return f"{path}: no generator yet"
    generator = Generator.load(path)
    target = draft / "results" / config["name"]
    try:
        save_generator(generator, target / "checkpoints" / "best.pt")
    except T2WError as error:
        return f"{path}: left out: {error}"
    assert isinstance(generator.config, ReferenceConfig)  # save_generator has seen to it
    coefficient = coefficient_of(generator)
    values = yaml_of_run(generator.config, coefficient, name=config["name"], seed=config["seed"], train=config["train"])
    OmegaConf.save(OmegaConf.create(values), target / "config.yaml")
    return f"{target}: checkpoints/best.pt and config.yaml; the optimiser's state is that of its first step"
