"""Accuracy and loss along the sampling steps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from t2w import T2WError, TextToWeights
from t2w.adapters import Adapter
from t2w.inspection import Labelled, denoising, origin_of
from t2w.inspection.denoising import Denoising, Scores, scores_of
from t2w.inspection.denoising_picture import denoising_picture, mean_curve


@pytest.fixture(scope="module")
def pictures(writer: TextToWeights) -> Labelled:
    """Features near the rows of three known things, unsure enough that some are mistaken."""
    assert writer.lexicon is not None
    rng = torch.Generator().manual_seed(0)
    rows = writer.lexicon.evidence(writer.lexicon.understand(["tabby", "espresso", "school bus"])).rows
    labels = torch.arange(3).repeat(20)
    return Labelled(3 * rows[labels] + 0.12 * torch.randn(60, rows.shape[1], generator=rng), labels)


def test_scores_are_those_of_the_adapter(writer: TextToWeights, pictures: Labelled) -> None:
    made = writer.generate("tabby, espresso, school bus")
    noise = torch.randn(1, made.spec.size, generator=torch.Generator().manual_seed(0))
    vectors = torch.cat([made.weights, made.weights + noise])
    found = scores_of(made, vectors, pictures)
    for i, vector in enumerate(vectors):
        with torch.no_grad():
            logits = Adapter.from_vector(made.spec, vector).logits(pictures.features, made.text)
        assert found.loss[i] == pytest.approx(float(F.cross_entropy(logits, pictures.labels)), abs=1e-4)
        assert found.accuracy[i] == pytest.approx(float((logits.argmax(1) == pictures.labels).float().mean()))
    assert found.loss[0] < found.loss[1]


def test_a_walk_ends_in_what_is_generated(writer: TextToWeights, pictures: Labelled) -> None:
    made = writer.generate("tabby, espresso, school bus", steps=4, seed=5)
    found = denoising(made, origin_of(writer, made), pictures, steps=4, seed=5)
    own = scores_of(made, made.weights, pictures)
    assert found.predicted.loss[-1] == pytest.approx(own.loss[0], abs=1e-5)
    assert len(found.timesteps) == len(found.predicted.accuracy) == len(found.noisy.loss) == 4
    assert list(found.timesteps) == sorted(found.timesteps, reverse=True)
    assert len(found.start.loss) == 1
    assert (found.start_is, found.pictures, found.classes) == ("the evidence alone", 60, 3)
    assert json.loads(json.dumps(found.to_dict()))["noisy"]["loss"] == list(found.noisy.loss)
    again = denoising(made, origin_of(writer, made), pictures, steps=4, seed=5)
    assert again == found
    with pytest.raises(T2WError, match="steps"):
        denoising(made, origin_of(writer, made), pictures, steps=5000)


def test_means_over_tasks_and_their_picture(tmp_path: Path) -> None:
    mean, low, high = mean_curve([[0.2, 0.5], [0.4, 0.5], [0.9, 0.5]])
    assert mean == pytest.approx([0.5, 0.5])
    assert low[0] < mean[0] < high[0]
    assert low[1] == high[1] == 0.5
    rising = Scores((0.2, 0.5), (1.0, 0.5))
    one = Denoising("mine", "ddim", (999, 499), rising, rising, Scores((0.3,), (0.9,)), "the base adapter", 7, 3)
    other = replace(one, predicted=Scores((0.4, 0.7), (0.9, 0.2)))
    for name, walks in (("one", [one]), ("two", [one, other])):
        denoising_picture(tmp_path / f"{name}.png", walks)
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert min(picture.size) > 200
