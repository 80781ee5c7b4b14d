"""The loss over a plane of weights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from inspection_world import ColourPlaces, colour_classifier
from PIL import Image

from t2w import T2WError
from t2w.adapters.enhance import enhance
from t2w.inspection import Labelled, landscape
from t2w.inspection.denoising import scores_of
from t2w.inspection.landscape_picture import landscape_picture

A = colour_classifier(gain=2.0)


@pytest.fixture
def origin() -> Any:
    """The part of an origin that a landscape looks at."""
    noise = torch.randn(A.spec.size, generator=torch.Generator().manual_seed(0))
    return SimpleNamespace(start=A.weights[0] - 0.3 * noise, what="somewhere near")


@pytest.fixture
def pictures() -> Labelled:
    rng = torch.Generator().manual_seed(1)
    labels = torch.arange(3).repeat(8)
    return Labelled(torch.eye(3)[labels] + 0.4 * torch.randn(24, 3, generator=rng), labels)


def test_the_grid_holds_the_loss_of_its_places(origin: Any, pictures: Labelled) -> None:
    other = replace(A, weights=A.weights + 0.1)
    found = landscape(A, origin, pictures, against=other, grid=9)  # steps of 1: the start and A are on the grid
    assert found.axis.tolist() == list(range(-4, 5))
    assert found.loss[4, 4] == pytest.approx(scores_of(A, origin.start[None], pictures).loss[0], abs=1e-5)
    assert found.loss[4, 5] == pytest.approx(scores_of(A, A.weights, pictures).loss[0], abs=1e-5)
    d1, d2 = A.weights[0] - origin.start, other.weights[0] - origin.start
    place = origin.start + 3 * d1 - 2 * d2 * d1.norm() / d2.norm()
    assert found.loss[2, 7] == pytest.approx(scores_of(A, place[None], pictures).loss[0], abs=1e-5)
    start, a, b = found.points
    assert (start.loss, a.loss) == (pytest.approx(found.loss[4, 4]), pytest.approx(found.loss[4, 5]))
    assert b.loss == pytest.approx(scores_of(A, other.weights, pictures).loss[0], abs=1e-5)
    assert b.beta == pytest.approx(float(d2.norm() / d1.norm()))
    assert found.cosine == pytest.approx(float(torch.cosine_similarity(d1, d2, dim=0)))
    assert found.pictures == 24


def test_without_another_it_trains_on_one_half_and_measures_on_the_other(origin: Any, pictures: Labelled) -> None:
    found = landscape(A, origin, pictures, grid=5)
    assert found.pictures == 12
    assert found.points[2].what == "B: A trained on 12 pictures"
    half, other = pictures.halves(seed=0)
    trained = enhance(A.spec, A.weights[0], A.text, half.features, half.labels, seed=0)
    assert found.points[2].loss == pytest.approx(scores_of(A, trained[None], other).loss[0], abs=1e-5)
    assert found.points[1].loss == pytest.approx(scores_of(A, A.weights, other).loss[0], abs=1e-5)
    again = landscape(A, origin, pictures, grid=5)
    assert np.array_equal(found.loss, again.loss)
    assert found.points == again.points


def test_what_cannot_be_compared(origin: Any, pictures: Labelled) -> None:
    with pytest.raises(T2WError, match=r"sizes 3-16-3; expected 3-3-3"):
        landscape(A, origin, pictures, against=colour_classifier(hidden=16))
    odd = replace(A, vision={**ColourPlaces().to_dict(), "identity": "another@2"})
    with pytest.raises(T2WError, match="features of another@2"):
        landscape(A, origin, pictures, against=odd)
    with pytest.raises(T2WError, match="the weights that it started from"):
        landscape(A, SimpleNamespace(start=A.weights[0], what=""), pictures, grid=3)  # type: ignore[arg-type]
    few = Labelled(pictures.features[:3], pictures.labels[:3])
    with pytest.raises(T2WError, match="3 labelled pictures, of no class two"):
        landscape(A, origin, few)


def test_the_picture_and_its_numbers(origin: Any, pictures: Labelled, tmp_path: Path) -> None:
    found = landscape(A, origin, pictures, grid=7)
    landscape_picture(tmp_path / "x.png", found)
    with Image.open(tmp_path / "x.png") as picture:
        assert min(picture.size) > 300
    told = json.loads(json.dumps(found.to_dict()))
    assert np.shape(told["loss_by_beta_then_alpha"]) == (7, 7)
    assert [point["alpha"] for point in told["points"]] == [0, 1, 0]
