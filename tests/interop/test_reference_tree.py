"""Whole trees: a checkout of the reference read, a run of ours written as one, and there and back again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from interop_parts import CONFIG, SPEC, checkpoint, network

from t2w.adapters.store import AdapterRecord, Shard, WeightDataset, write_shard
from t2w.files import load_tensors, save_tensors, write_json
from t2w.generator import Generator, GeneratorConfig, Normalizer, build_network, prior_attention
from t2w.interop.import_tree import import_tree
from t2w.interop.reference import load_generator
from t2w.interop.reference_adapters import load_adapter, save_adapter
from t2w.interop.reference_splits import ReferenceEntry, load_split, save_split, usual_path
from t2w.interop.reference_yaml import read_reference_yaml
from t2w.tasks import Task, TaskSet, load_tasks, save_data_point, save_tasks

NAMES = ("ant", "bee", "cat_fish", "dog")
CLASSES = [("ant", "bee"), ("bee", "cat_fish"), ("dog", "ant"), ("cat_fish", "dog"), ("ant", "cat_fish")]
SPLITS = ["train", "train", "train", "validation", "unseen_combination"]
VECTORS = torch.randn(5, SPEC.size, generator=torch.Generator().manual_seed(3))
BASE = torch.full((SPEC.size,), 0.25)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout: five tasks, four of them with adapters and text embeddings, and a trained generator."""
    root = tmp_path / "T2W"
    data = root / "data_gen" / "toys"
    tasks = [{"index": i, "selected_classes": list(names)} for i, names in enumerate(CLASSES)]
    data.mkdir(parents=True)
    (data / "data_point.json").write_text(json.dumps(tasks))
    save_adapter(data / "checkpoints" / "base.pt", SPEC, BASE)
    for i in range(4):
        save_adapter(data / usual_path(i), SPEC, VECTORS[i], 0.1 * i)
    entries = [
        ReferenceEntry(index=i, selected_classes=list(CLASSES[i]), path=usual_path(i), text_features=[float(i)] * 8)
        for i in range(4)
    ]
    save_split(data / "train.json", entries[:3])
    save_split(data / "val.json", entries[3:])
    results = root / "results" / "toys_classifier"
    (results / "checkpoints").mkdir(parents=True)
    torch.save(checkpoint(), results / "checkpoints" / "best.pt")
    (results / "config.yaml").write_text("transformer: {n_head: 2}\ndataset: {openai_coeff: 2.0, normalizer: openai}\n")
    return root


def test_a_checkout_is_read(tree: Path, tmp_path: Path, t2w: Callable[..., Any]) -> None:
    out = tmp_path / "ours"
    done = t2w("import-reference", str(tree), "-o", str(out))
    assert done.code == 0, done.err
    weights = WeightDataset.open(out / "toys" / "adapters")
    assert torch.equal(weights.vectors, VECTORS[:4])
    assert torch.equal(weights.base, BASE)
    assert [record.class_names for record in weights.records] == CLASSES[:4]
    assert [record.split for record in weights.records] == SPLITS[:4]
    assert [record.test_accuracy for record in weights.records] == pytest.approx([0, 0.1, 0.2, 0.3])
    assert [task.split for task in load_tasks(out / "toys" / "tasks.json").tasks] == SPLITS
    assert weights.texts["cat_fish"] == "a photo of a cat_fish"
    conditions = load_tensors(out / "toys" / "conditions.safetensors")[0]
    assert conditions["index"].tolist() == [0, 1, 2, 3]
    assert torch.equal(conditions["text"][2], torch.full((8,), 2.0))
    generator = Generator.load(out / "toys_classifier" / "generator.safetensors")
    expected = network(CONFIG).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in generator.network.state_dict().items())
    torch.testing.assert_close(generator.normalizer.normalize(VECTORS), 2 * VECTORS)
    for told in ("4 adapters of 76 weights", "5 tasks", "text embeddings of 4 tasks", "generator of"):
        assert told in done.out


def test_what_is_there_is_taken_and_what_is_not_is_said(tree: Path, tmp_path: Path) -> None:
    data = tree / "data_gen" / "toys"
    (data / "val.json").unlink()
    (data / "data_point.json").unlink()
    (data / "checkpoints" / "base.pt").unlink()
    (tree / "results" / "toys_classifier" / "config.yaml").unlink()
    save_adapter(data / "checkpoints" / "mine" / "task.pt", SPEC, BASE)
    said = "\n".join(import_tree(tree, tmp_path / "ours"))
    for told in (
        "no data_point.json",
        "no val.json",
        "no checkpoints/base.pt",
        "mine/task.pt: left out",
        "3/task.pt: left out: no file tells the classes",
        "give --n-head",
    ):
        assert told in said
    assert len(WeightDataset.open(tmp_path / "ours" / "toys" / "adapters")) == 3
    import_tree(tree, tmp_path / "again", n_head=2, weights="G_ema")
    generator = Generator.load(tmp_path / "again" / "toys_classifier" / "generator.safetensors")
    assert torch.equal(generator.network.decoder.ln_f.weight, network(CONFIG, seed=1).decoder.ln_f.weight)


def test_damaged_adapters_are_named_and_nothing_is_written(tree: Path, tmp_path: Path, t2w: Callable[..., Any]) -> None:
    path = tree / "data_gen" / "toys" / "checkpoints" / "1" / "task.pt"
    path.write_bytes(path.read_bytes()[:300])
    out = tmp_path / "ours"
    refused = t2w("import-reference", str(tree), "-o", str(out))
    assert refused.code == 2
    assert "1/task.pt" in refused.err
    assert "--skip-damaged" in refused.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["T2W"]
    taken = t2w("import-reference", str(tree), "-o", str(out), "--skip-damaged")
    assert taken.code == 0, taken.err
    assert "1/task.pt" in taken.out
    assert [record.task_id for record in WeightDataset.open(out / "toys" / "adapters").records] == [0, 2, 3]


def test_adapters_of_another_size_are_named(tree: Path, tmp_path: Path, t2w: Callable[..., Any]) -> None:
    other = type(SPEC)(8, 5, 8, 100.0)
    save_adapter(tree / "data_gen" / "toys" / "checkpoints" / "2" / "task.pt", other, torch.zeros(other.size))
    refused = t2w("import-reference", str(tree), "-o", str(tmp_path / "ours"))
    assert refused.code == 2
    assert "2/task.pt is an adapter 8-5-8; expected 8-4-8" in refused.err


def test_other_folders(tree: Path, tmp_path: Path, t2w: Callable[..., Any]) -> None:
    (tmp_path / "empty").mkdir()
    for arguments, message in [
        ((str(tmp_path / "nowhere"), "-o", str(tmp_path / "ours")), "there is no folder"),
        ((str(tmp_path / "empty"), "-o", str(tmp_path / "ours")), "holds nothing of the reference"),
        ((str(tree), "-o", str(tree)), "is there and not empty"),
    ]:
        refused = t2w("import-reference", *arguments)
        assert refused.code == 2
        assert message in refused.err


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run of ours with a reference network."""
    folder, texts = tmp_path / "run", torch.randn(4, 8, generator=torch.Generator().manual_seed(5))
    train = {
        "mixed_precision": "no", "ema_decay": 0.99, "beta2": 0.999, "clip": 0.1, "warmup_epochs": 5.0,
        "learning_rate": 4e-4, "weight_decay": 0.1, "epochs": 20, "batch_size": 16, "checkpoint_every_epochs": 10,
    }  # fmt: skip
    write_json(folder / "run.json", {"format": 1, "config": {"name": "toys_run", "seed": 3, "train": train}})
    tasks = tuple(
        Task(i, names, tuple(f"a {name}" for name in names), "toys", split)  # type: ignore[arg-type]
        for i, (names, split) in enumerate(zip(CLASSES, SPLITS, strict=True))
    )
    save_tasks(folder / "tasks" / "tasks.json", TaskSet("toys", NAMES, (), {}, 0, tasks))
    save_tensors(folder / "features" / "texts.safetensors", {"text": texts})
    records = tuple(AdapterRecord(i, i, CLASSES[i], 0, 10, 0.5, 0.4, 0.25 * i, SPLITS[i]) for i in range(4))
    write_shard(
        folder / "adapters" / "weights", Shard(0, 4, 4, "f" * 16, {"seed": 0}, SPEC, VECTORS[:4], BASE, records)
    )
    generator = Generator(network(CONFIG), Normalizer.scaled(SPEC.size, 2.0))
    (folder / "train").mkdir()
    generator.save(folder / "train" / "generator.safetensors")
    return folder


def test_a_run_is_written_as_a_checkout(run: Path, tmp_path: Path, t2w: Callable[..., Any]) -> None:
    out = tmp_path / "theirs"
    done = t2w("export-reference", str(run), "-o", str(out))
    assert done.code == 0, done.err
    data, results = out / "data_gen" / "toys", out / "results" / "toys_run"
    assert json.loads((data / "data_point.json").read_text())[2] == {"index": 2, "selected_classes": ["dog", "ant"]}
    found = load_adapter(data / "checkpoints" / "3" / "task.pt")
    assert torch.equal(found.vector, VECTORS[3])
    assert found.accuracy == 0.75
    assert torch.equal(load_adapter(data / "checkpoints" / "base.pt").vector, BASE)
    texts = load_tensors(run / "features" / "texts.safetensors")[0]["text"]
    (entry,) = load_split(data / "val.json")
    assert tuple(entry.selected_classes) == CLASSES[3]
    torch.testing.assert_close(torch.tensor(entry.text_features), prior_attention(texts[[2, 3]]))
    assert [entry.index for entry in load_split(data / "train.json")] == [0, 1, 2]
    model = load_generator(results / "checkpoints" / "best.pt", n_head=2)
    assert torch.equal(model.decoder.ln_f.weight, network(CONFIG).decoder.ln_f.weight)
    overrides = read_reference_yaml(results, "config").overrides()
    for expected in ("generator.n_head=2", "generator.coefficient=2.0", "train.epochs=20", "seed=3"):
        assert expected in overrides


def test_there_and_back_again(run: Path, tmp_path: Path, t2w: Callable[..., Any]) -> None:
    assert t2w("export-reference", str(run), "-o", str(tmp_path / "theirs")).code == 0
    assert t2w("import-reference", str(tmp_path / "theirs"), "-o", str(tmp_path / "ours")).code == 0
    ours, theirs = (WeightDataset.open(path) for path in (tmp_path / "ours/toys/adapters", run / "adapters/weights"))
    assert torch.equal(ours.vectors, theirs.vectors)
    assert [r.class_names for r in ours.records] == [r.class_names for r in theirs.records]
    assert [r.split for r in ours.records] == [r.split for r in theirs.records]
    back = Generator.load(tmp_path / "ours/toys_run/generator.safetensors")
    there = Generator.load(run / "train/generator.safetensors")
    assert back.config == there.config
    assert all(torch.equal(a, b) for a, b in zip(back.network.parameters(), there.network.parameters(), strict=True))


def test_what_the_reference_cannot_express_is_said(run: Path, tmp_path: Path, t2w: Callable[..., Any]) -> None:
    own = Generator(build_network(GeneratorConfig(SPEC, 8, n_embd=8, n_layer=1, n_head=2)), Normalizer.scaled(76, 1.0))
    own.save(run / "train" / "generator.safetensors")
    done = t2w("export-reference", str(run), "-o", str(tmp_path / "theirs"))
    assert done.code == 0
    assert "left out: this generator's network is not the reference's" in done.out
    assert not (tmp_path / "theirs" / "results").exists()
    (run / "run.json").unlink()
    refused = t2w("export-reference", str(run), "-o", str(tmp_path / "more"))
    assert refused.code == 2
    assert "run.json" in refused.err


def test_tasks_of_the_reference_go_round(tmp_path: Path) -> None:
    from t2w.tasks import load_data_point, make_task_set

    tasks = make_task_set("toys", [f"c{i}" for i in range(40)], n_train=50, n_validation=0, n_test=0).tasks
    save_data_point(tmp_path / "data_point.json", tasks)
    text = (tmp_path / "data_point.json").read_text()
    assert text == json.dumps(json.loads(text))
    again = load_data_point(tmp_path / "data_point.json", dataset="toys")
    assert [task.classes for task in again] == [task.classes for task in tasks]
