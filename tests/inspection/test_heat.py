"""Which pixels speak for a class."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from inspection_world import COLOURS, Blind, ColourPlaces, colour_classifier, paint
from PIL import Image
from torch.testing import assert_close

from t2w import T2WError
from t2w.inspection import class_maps, photo_heat
from t2w.inspection.heat_picture import heat_picture


def test_places_of_a_linear_classifier_sum_to_its_score() -> None:
    rng = torch.Generator().manual_seed(0)
    maps, weight, bias = (torch.randn(*size, generator=rng) for size in ((6, 3, 5), (4, 6), (4,)))
    found = class_maps(maps, lambda x: x @ weight.T + bias, [2, 0])
    assert found.shape == (2, 3, 5)
    scores = weight @ maps.mean(dim=(1, 2))
    assert_close(found.mean(dim=(1, 2)), scores[[2, 0]])


def test_it_is_the_gradient_with_respect_to_the_maps() -> None:
    rng = torch.Generator().manual_seed(1)
    maps, weight = torch.randn(6, 3, 5, generator=rng).requires_grad_(), torch.randn(4, 6, generator=rng)

    def scores(x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x @ weight.T)

    scores(maps.mean(dim=(1, 2))[None])[0, 1].backward()
    assert maps.grad is not None
    wanted = 15 * (maps.grad.mean(dim=(1, 2), keepdim=True) * maps).sum(0)
    assert_close(class_maps(maps.detach(), scores, [1])[0], wanted.detach())


@pytest.mark.parametrize(("name", "place"), [("red", (0, 3)), ("green", (2, 1)), ("blue", (3, 3))])
def test_it_is_hot_where_the_patch_is(name: str, place: tuple[int, int], tmp_path: Path) -> None:
    path = paint(tmp_path / "x.png", {name: place})
    (photo,) = photo_heat(colour_classifier(), ColourPlaces(), [path])
    assert photo.shown[0].name == name
    heat = photo.shown[0].heat
    assert np.unravel_index(heat.argmax(), heat.shape) == place
    assert heat.max() > 0
    assert np.abs(np.delete(heat.ravel(), heat.argmax())).max() < 1e-6 * heat.max()


def test_two_patches_two_classes(tmp_path: Path) -> None:
    path = paint(tmp_path / "x.png", {"red": (0, 0), "blue": (3, 2)}, ground=20)
    (photo,) = photo_heat(colour_classifier(), ColourPlaces(), [path])
    hot = {one.name: np.unravel_index(one.heat.argmax(), one.heat.shape) for one in photo.shown}
    assert hot == {"red": (0, 0), "blue": (3, 2)}
    assert photo.shown[0].probability >= photo.shown[1].probability
    assert sum(photo.probabilities) == pytest.approx(1)
    with Image.open(path) as picture:
        assert np.array_equal(photo.pixels, np.asarray(picture))  # this encoder cuts nothing off
    told = json.loads(json.dumps(photo.to_dict()))
    assert np.shape(told["shown"][0]["heat"]) == (4, 4)
    assert told["classes"] == list(COLOURS)


def test_the_length_of_the_output_is_held_fixed(tmp_path: Path) -> None:
    """An unlikely class is cold: with the length let free, half of its places would speak for it."""
    path = paint(tmp_path / "x.png", {"red": (0, 0)}, ground=0)
    (photo,) = photo_heat(colour_classifier(), ColourPlaces(), [path])
    assert photo.shown[1].heat.max() < 0.01 * photo.shown[0].heat.max()


def test_an_encoder_without_maps_is_named(tmp_path: Path) -> None:
    path = paint(tmp_path / "x.png", {"red": (0, 0)})
    with pytest.raises(T2WError, match="colour-places@1 does not show its last maps"):
        list(photo_heat(colour_classifier(), Blind(), [path]))


def test_the_picture(tmp_path: Path) -> None:
    path = paint(tmp_path / "x.png", {"red": (1, 1)})
    (photo,) = photo_heat(colour_classifier(), ColourPlaces(), [path])
    heat_picture(tmp_path / "heat.png", photo, source="mine $1")
    with Image.open(tmp_path / "heat.png") as picture:
        assert picture.size[0] > 2 * picture.size[1] > 300
    assert sorted(p.name for p in tmp_path.iterdir()) == ["heat.png", "x.png"]
