"""The embedded encoder's training: it learns, goes on exactly where it stopped, and folds into the same function."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from t2w.encoders.embedded_net import EmbeddedNet, fold
from t2w.errors import T2WError
from t2w.pretraining import train_encoder
from t2w.pretraining.encoder_data import Views, standardised
from t2w.pretraining.probe import probe_accuracy
from t2w.pretraining.train_encoder import Recipe, train

RECIPE = Recipe(epochs=2, batch_size=16, widths=(4, 8, 8, 8), depths=(1, 0, 1))


@pytest.fixture(scope="module")
def data() -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    labels = torch.arange(48) % 3
    pixels = (torch.rand(48, 64, 64, 3, generator=g) * 60 + 80 * labels[:, None, None, None]).to(torch.uint8)
    return pixels, labels, torch.randn(3, 512, generator=g)[labels]


def test_stopped_after_an_epoch_it_goes_on_to_the_same_weights(
    data: tuple[Tensor, Tensor, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels, labels, teacher = data
    rows = torch.arange(48)
    whole, _ = train(RECIPE, pixels, labels, teacher, rows, tmp_path / "whole")
    real, calls = train_encoder._put_by, []

    def stop_after_the_first(*arguments: object) -> None:
        real(*arguments)  # type: ignore[arg-type]
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(train_encoder, "_put_by", stop_after_the_first)
    with pytest.raises(KeyboardInterrupt):
        train(RECIPE, pixels, labels, teacher, rows, tmp_path / "parts")
    again, _ = train(RECIPE, pixels, labels, teacher, rows, tmp_path / "parts")
    assert len(calls) == 2  # one epoch each
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    with pytest.raises(T2WError, match="belongs to another recipe"):
        train(replace(RECIPE, learning_rate=1e-4), pixels, labels, teacher, rows, tmp_path / "parts")


def test_folded_network_is_the_same_function(data: tuple[Tensor, Tensor, Tensor]) -> None:
    torch.manual_seed(0)
    network = EmbeddedNet(RECIPE.widths, RECIPE.depths)
    x = standardised(data[0])
    for _ in range(3):
        network(x)  # running statistics that are not 0 and 1
    network.eval()
    plain = EmbeddedNet(RECIPE.widths, RECIPE.depths, folded=True).eval()
    plain.load_state_dict(fold(network.state_dict()))
    assert torch.allclose(plain(x), network(x), atol=1e-5)


def test_views_without_change_are_the_images_or_their_mirror_images(data: tuple[Tensor, Tensor, Tensor]) -> None:
    pixels = data[0]
    rows = torch.tensor([5, 1, 7, 30])
    views = Views(shift=0, light=0.0)(pixels, rows, torch.Generator().manual_seed(1))
    plain = standardised(pixels[rows])
    for view, image in zip(views, plain, strict=True):
        assert torch.allclose(view, image, atol=1e-5) or torch.allclose(view, image.flip(2), atol=1e-5)
    assert views.is_contiguous(memory_format=torch.channels_last)


def test_probe_finds_what_is_linear_and_not_what_is_noise() -> None:
    g = torch.Generator().manual_seed(0)
    y = torch.arange(300) % 3
    told = torch.randn(3, 20, generator=g)[y] * 2 + torch.randn(300, 20, generator=g)
    noise = torch.randn(300, 20, generator=g)
    for x, low, high in ((told, 0.9, 1.0), (noise, 0.1, 0.6)):
        _, test = probe_accuracy((x[:200], y[:200]), (x[200:250], y[200:250]), (x[250:], y[250:]))
        assert low <= test <= high
