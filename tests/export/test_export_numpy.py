"""Arrays and a script of NumPy alone."""

from __future__ import annotations

import ast
import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from export_world import FEATURES, NAMES, TinyEncoder, on

from t2w import Classifier, T2WError
from t2w.export import numpy_file, numpy_script

LONGEST = 60


@pytest.fixture
def features() -> torch.Tensor:
    return torch.randn(50, FEATURES, generator=torch.Generator().manual_seed(4))


def test_the_script_alone_answers_as_the_classifier(
    classifier: Classifier, features: torch.Tensor, tmp_path: Path
) -> None:
    done = classifier.export(tmp_path / "mine.npz", to="numpy")
    assert [path.name for path in done.files] == ["mine.npz", "mine.py"]
    np.save(tmp_path / "features.npy", features.numpy())
    command = [sys.executable, "-I", "mine.py", "features.npy", "answers.csv"]
    subprocess.run(command, cwd=tmp_path, check=True)
    with (tmp_path / "answers.csv").open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    own = classifier.classify_features(features, none=True)
    assert own.none is not None
    assert head == ["label", *NAMES]
    assert [row[0] for row in rows] == ["" if none else label for label, none in zip(own.labels, own.none, strict=True)]
    assert 0 < int(own.none.sum()) < len(own)
    found = np.array([[float(value) for value in row[1:]] for row in rows])
    assert np.abs(found - own.probabilities.numpy()).max() < 1e-4


def test_nearest_known(classifier: Classifier, features: torch.Tensor, tmp_path: Path) -> None:
    classifier.export(tmp_path / "mine.npz", to="numpy")
    with np.load(tmp_path / "mine.npz", allow_pickle=False) as model:
        found = numpy_script.classify(features.numpy(), model)
        about = json.loads(str(model["about"]))
    assert tuple(found["nearest_known"]) == classifier.classify_features(features, none=True).looks_like
    assert tuple(found["classes"]) == NAMES == tuple(about["classes"])


def test_without_a_rule_the_encoder_is_not_asked(features: torch.Tensor, tmp_path: Path) -> None:
    classifier = on(TinyEncoder(), samples=1)
    del classifier.__dict__["encoder"]
    classifier.export(tmp_path / "mine.npz", to="numpy")
    with np.load(tmp_path / "mine.npz", allow_pickle=False) as model:
        found = numpy_script.classify(features.numpy(), model)
    assert "none" not in found
    assert tuple(found["labels"]) == classifier.classify_features(features).labels


def test_features_of_another_size(classifier: Classifier, tmp_path: Path) -> None:
    classifier.export(tmp_path / "mine.npz", to="numpy")
    np.save(tmp_path / "features.npy", np.zeros((2, FEATURES + 1)))
    command = [sys.executable, "mine.py", "features.npy"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        1,
        f"features of shape (2, {FEATURES + 1}); expected (images, {FEATURES})\n",
    )


def test_the_script_is_short_and_needs_numpy_alone() -> None:
    text = Path(numpy_script.__file__).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    modules = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    assert {str(name) for name in modules} - set(sys.stdlib_module_names) == {"numpy"}


def test_other_files_are_left_alone(classifier: Classifier, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("print('mine')\n")
    with pytest.raises(T2WError, match=r"mine\.py is there already"):
        classifier.export(tmp_path / "mine.npz", to="numpy")
    with pytest.raises(T2WError, match=r"ends in \.npz"):
        classifier.export(tmp_path / "mine.txt", to="numpy")
    with pytest.raises(T2WError, match="to 'tflite'; expected one of onnx, numpy, browser"):
        classifier.export(tmp_path / "mine.onnx", to="tflite")  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


def test_arrays_that_answer_otherwise_are_not_written(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = numpy_file.arrays_of(classifier)
    monkeypatch.setattr(numpy_file, "arrays_of", lambda _: {**arrays, "bias1": arrays["bias1"] + 0.01})
    with pytest.raises(T2WError, match="would not answer as the classifier does"):
        classifier.export(tmp_path / "mine.npz", to="numpy")
    assert list(tmp_path.iterdir()) == []
