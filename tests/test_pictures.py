"""Whatever a user calls an image, alone or among others."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from t2w.errors import T2WError
from t2w.pictures import pictures_of, pixels_of

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (12, 9, 3), dtype=np.uint8)


def file_of(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def forms(tmp_path: Path) -> list[object]:
    path = tmp_path / "x.png"
    path.write_bytes(file_of(Image.fromarray(PIXELS)))
    return [
        PIXELS, torch.from_numpy(PIXELS).movedim(-1, 0), Image.fromarray(PIXELS), path, str(path), path.read_bytes(),
        PIXELS.astype(np.float32) / 255,
    ]  # fmt: skip


def test_one_image_is_one_image(tmp_path: Path) -> None:
    for image in forms(tmp_path):
        (one,) = pictures_of(image)  # type: ignore[arg-type]
        np.testing.assert_array_equal(pixels_of(one), PIXELS)
    assert [len(pictures_of(PIXELS[..., 0])), len(pictures_of(torch.zeros(5, 5, dtype=torch.uint8)))] == [1, 1]


def test_several_are_several(tmp_path: Path) -> None:
    assert len(pictures_of(forms(tmp_path))) == 7  # type: ignore[arg-type]
    assert len(pictures_of(np.stack([PIXELS] * 4))) == 4
    assert len(pictures_of(np.zeros((4, 8, 8), dtype=np.uint8))) == 4  # grey
    assert len(pictures_of(torch.zeros(4, 3, 8, 8))) == 4
    assert len(pictures_of([])) == 0


def test_pillow_and_file_are_the_same() -> None:
    transparent = Image.fromarray(np.dstack([PIXELS, np.zeros((12, 9), dtype=np.uint8)]), "RGBA")
    assert (pixels_of(transparent) == 255).all()  # over white
    np.testing.assert_array_equal(pixels_of(np.asarray(transparent)), pixels_of(file_of(transparent)))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.open(io.BytesIO(file_of(Image.fromarray(PIXELS), exif=exif)))
    np.testing.assert_array_equal(pixels_of(turned), np.rot90(PIXELS, -1))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((4, 4, 3), 7.5), "values from 7.5 to 7.5; expected 0 to 1"),
        (np.full((4, 4, 3), np.nan), "an image of type float64"),
        (3, "an image is int; expected an array"),
    ],
)
def test_what_is_no_image(image: object, message: str) -> None:
    with pytest.raises(T2WError, match=message):
        pixels_of(image)  # type: ignore[arg-type]


def test_what_holds_no_images() -> None:
    with pytest.raises(T2WError, match="images are int; expected an array"):
        pictures_of(3)  # type: ignore[arg-type]
