from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from t2w.errors import T2WError
from t2w.evaluation.folder import FolderEvaluation
from t2w.evaluation.folder_pictures import confusion_picture, draw_reliability, reliability_picture
from t2w.evaluation.statistics import calibration, wilson


def test_the_error_of_a_known_case() -> None:
    # Bin (0.8, 0.867]: mean confidence 0.85, half right. Bin (0.933, 1]: confidence 1, all right.
    found = calibration(np.array([0.84, 0.86, 1.0, 1.0]), np.array([True, False, True, True]))
    assert found.error == pytest.approx(0.5 * 0.35 + 0.5 * 0)
    assert (found.counts[12], found.counts[14], sum(found.counts)) == (2, 2, 4)
    assert (found.accuracy[12], found.confidence[12]) == (0.5, pytest.approx(0.85))
    assert found.accuracy[0] is None


def test_edges_are_in_the_bin_below_and_the_ends_in_some() -> None:
    found = calibration(np.array([0.0, 0.5, 1.0]), np.ones(3, dtype=bool), bins=2)
    assert found.counts == (2, 1)


def test_calibrated_answers_have_nearly_no_error() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(100_000)
    assert calibration(confidence, rng.random(100_000) < confidence).error < 0.01
    assert calibration(confidence, np.zeros(100_000, dtype=bool)).error == pytest.approx(confidence.mean())


@pytest.mark.parametrize("confidence", [[], [1.2], [float("nan")]])
def test_what_is_no_probability(confidence: list[float]) -> None:
    with pytest.raises(T2WError):
        calibration(np.array(confidence), np.ones(len(confidence), dtype=bool))


def test_wilson_interval() -> None:
    found = wilson(8, 10)
    assert (found.mean, found.low, found.high) == (
        0.8,
        pytest.approx(0.4902, abs=1e-4),
        pytest.approx(0.9433, abs=1e-4),
    )
    assert wilson(10, 10).high == 1
    assert wilson(10, 10).low < 0.8


def test_confusion_adds_up() -> None:
    rng = np.random.default_rng(1)
    truth, predicted = rng.integers(0, 4, (2, 200))
    found = FolderEvaluation(("a", "b", "c", "d"), truth, predicted, rng.random(200))
    assert found.confusion.sum() == 200
    assert found.confusion.trace() == round(found.accuracy.mean * 200) == sum(score.right for score in found.by_class)
    for i, score in enumerate(found.by_class):
        assert score.images == (truth == i).sum()
        wrong = {j: int(((truth == i) & (predicted == j)).sum()) for j in range(4) if j != i}
        assert wrong["abcd".index(score.mistaken_for)] == max(wrong.values())  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [2, 30, 300])
def test_pictures_of_any_number_of_classes(tmp_path: Path, n: int) -> None:
    matrix = np.diag(np.arange(n))  # the first class has no image
    names = ["$5 {pizza}", "a\nb " * 5000, *(f"class {i}" for i in range(2, n))]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        confusion_picture(tmp_path / "c.png", matrix, names)
    with Image.open(tmp_path / "c.png") as picture:
        assert all(200 < side < 6000 for side in picture.size)
    assert [path.name for path in tmp_path.iterdir()] == ["c.png"]


def test_confidence_and_accuracy_are_drawn_in_one_unit() -> None:
    figure = Figure()
    draw_reliability(figure, calibration(np.array([0.84, 0.86, 1.0]), np.array([True, False, True])))
    above, below = figure.axes
    assert "%" in above.get_ylabel()
    assert "%" in below.get_xlabel()
    assert above.get_xlim() == (0, 100)
    confidence = next(line for line in above.lines if line.get_label() == "mean confidence")
    np.testing.assert_allclose(confidence.get_xydata(), [[85, 85], [100, 100]])
    assert [bar.get_height() for bar in above.patches] == [50, 100]
    assert [bar.get_x() + bar.get_width() / 2 for bar in above.patches] == pytest.approx([250 / 3, 290 / 3])


def test_reliability_picture(tmp_path: Path) -> None:
    reliability_picture(tmp_path / "r.png", calibration(np.array([0.4]), np.array([False])))
    with Image.open(tmp_path / "r.png") as picture:
        assert min(picture.size) > 200
