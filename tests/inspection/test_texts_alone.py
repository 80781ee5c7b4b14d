"""Classifiers of a generator that reads texts alone, on pixels: shared hidden units, a base adapter, no evidence."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from t2w import T2WError, TextToWeights
from t2w.datasets import load_dataset
from t2w.inspection import Labelled, class_evidence, denoising, landscape, origin_of
from t2w.inspection.denoising import scores_of


@pytest.mark.filterwarnings("ignore::t2w.T2WWarning")
def test_digits(finished_run: Path) -> None:
    writer = TextToWeights.from_pretrained(finished_run)
    made = writer.generate("three, five, eight", steps=3, sampler="ddim")
    _, test = load_dataset("digits")
    digits = test.of_classes(made.classes)
    pictures = Labelled(made.encoder.encode(digits.images), torch.as_tensor(digits.labels))
    origin = origin_of(writer, made)
    assert origin.what == "the base adapter"
    assert torch.equal(origin.start, writer.generator.normalizer.base)
    walk = denoising(made, origin, pictures, steps=3)
    own = scores_of(made, made.weights, pictures)
    assert walk.predicted.loss[-1] == pytest.approx(own.loss[0], abs=1e-4)
    plane = landscape(made, origin, pictures, grid=3)
    assert plane.points[0].what == "start: the base adapter"
    assert plane.pictures == len(pictures.halves()[1])
    with pytest.raises(T2WError, match="does not say what its 3 classes are known by"):
        class_evidence(made, made.encoder)
