from __future__ import annotations

import io
import os
import re
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from PIL import Image

from t2w.errors import T2WError
from t2w.images import IMAGE_SUFFIXES, MAX_PIXELS, files_in, image_files, read_image

RNG = np.random.default_rng(0)
PHOTO = np.kron(RNG.integers(0, 255, (6, 8, 3), dtype=np.uint8), np.ones((8, 8, 1), dtype=np.uint8))  # (48, 64, 3)


def encoded(image: Image.Image | np.ndarray, form: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(file, form, **options)
    return file.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that says how large it is, with a few rows of data."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM", "GIF", "JPEG", "WEBP", "ICO", "JPEG2000", "AVIF"])
def test_formats(form: str, tmp_path: Path) -> None:
    try:
        data = encoded(PHOTO, form, **({"sizes": [(64, 48)]} if form == "ICO" else {}))
    except (OSError, KeyError):
        pytest.skip(f"Pillow here does not write {form}")
    path = tmp_path / "picture"
    path.write_bytes(data)
    image = read_image(path)
    assert (image.shape, image.dtype) == ((48, 64, 3), np.uint8)
    assert np.abs(image.astype(int) - PHOTO).mean() < (20 if form in ("GIF", "JPEG", "WEBP", "AVIF") else 1e-9)
    assert np.array_equal(image, read_image(data))
    image[0, 0] = 7  # writable: torch takes it without a copy


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(form: str, orientation: int) -> None:
    """Each of the eight ways a camera may be held, against the standard's table of where row 0 and column 0 are."""
    upright = PHOTO
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}.get(form, {})
    image = read_image(encoded(np.ascontiguousarray(stored), form, exif=exif, **options))
    assert image.shape == upright.shape
    assert np.abs(image.astype(int) - upright).mean() < 2


def test_broken_exif_does_not_cost_the_picture() -> None:
    data = encoded(PHOTO, "JPEG", exif=b"Exif\0\0MM\0*\0\0\xff\xff not a directory")
    assert read_image(data).shape == PHOTO.shape


def test_grey_modes() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    grey = read_image(encoded(ramp))
    assert np.array_equal(grey, np.repeat(ramp[..., None], 3, axis=2))
    assert np.array_equal(read_image(encoded(ramp.astype(np.uint16) * 257)), grey)  # 16-bit PNG: 0..65535 to 0..255
    assert np.array_equal(read_image(encoded(ramp.astype(np.uint16) * 257, "TIFF")), grey)
    dark = read_image(encoded(np.full((4, 4), 2570, dtype=np.uint16)))  # a dark picture stays dark
    assert dark.max() == 10
    bits = read_image(encoded(Image.fromarray(ramp).point(lambda v: 255 * (v > 99), mode="1")))
    assert np.array_equal(np.unique(bits), [0, 255])
    assert np.array_equal(bits[..., 0] == 255, ramp > 99)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 100.0, 255.0], [0, 100, 255]),
        ([0.0, 25700.0, 65535.0], [0, 100, 255]),
        ([-10.0, 0.0, 10.0], [0, 128, 255]),
        ([float("nan"), 0.0, 1.0], [0, 0, 255]),
        ([0.0, 0.0, 0.0], [0, 0, 0]),
    ],
)
def test_float_pictures_are_scaled_by_the_range_that_holds_them(values: list[float], expected: list[int]) -> None:
    image = read_image(encoded(np.array([values], dtype=np.float32), "TIFF"))
    assert np.abs(image[0, :, 0].astype(int) - expected).max() <= 1


def test_32_bit_integers() -> None:
    image = read_image(encoded(np.array([[0, 100, 255]], dtype=np.int32), "TIFF"))
    assert image[0, :, 1].tolist() == [0, 100, 255]


def test_transparent_parts_are_white() -> None:
    rgba = np.zeros((2, 2, 4), dtype=np.uint8)
    rgba[0, 0] = (255, 0, 0, 255)
    rgba[1, 1] = (0, 0, 0, 128)
    image = read_image(encoded(rgba))
    assert image[0, 0].tolist() == [255, 0, 0]
    assert image[0, 1].tolist() == [255, 255, 255]
    assert abs(int(image[1, 1, 0]) - 127) <= 1
    grey_alpha = read_image(encoded(np.array([[[9, 255], [9, 0]]], dtype=np.uint8)))
    assert grey_alpha[0, :, 0].tolist() == [9, 255]


def test_palettes() -> None:
    picture = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8), mode="P")
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    assert read_image(encoded(picture)).tolist() == [[[255, 0, 0], [0, 255, 0], [0, 0, 255]]]
    assert read_image(encoded(picture, transparency=1)).tolist() == [[[255, 0, 0], [255, 255, 255], [0, 0, 255]]]
    faded = read_image(encoded(picture, transparency=bytes([255, 0, 255])))
    assert faded[0, 1].tolist() == [255, 255, 255]
    assert read_image(encoded(picture, "GIF", transparency=2))[0, 2].tolist() == [255, 255, 255]
    keyed = read_image(encoded(np.array([[[1, 2, 3], [4, 5, 6]]], dtype=np.uint8), transparency=(1, 2, 3)))
    assert keyed.tolist() == [[[255, 255, 255], [4, 5, 6]]]


def test_cmyk() -> None:
    blue = Image.new("CMYK", (32, 16), (255, 255, 0, 0))
    image = read_image(encoded(blue, "JPEG", quality=95))
    assert image.shape == (16, 32, 3)
    assert image[8, 8].tolist() == pytest.approx([0, 0, 255], abs=8)


def test_first_frame_of_animations_and_of_mpo() -> None:
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "lime", "blue")]
    for form in ("GIF", "WEBP", "PNG", "TIFF"):
        image = read_image(encoded(frames[0], form, save_all=True, append_images=frames[1:]))
        assert image.shape == (10, 20, 3)
        assert image[5, 5].tolist() == pytest.approx([255, 0, 0], abs=3), form
    stereo = encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert read_image(stereo)[5, 5].tolist() == pytest.approx([255, 0, 0], abs=3)
    assert read_image(stereo, min_side=5).shape == (5, 10, 3)


def test_min_side_is_faster_and_never_smaller() -> None:
    big = encoded(np.kron(PHOTO, np.ones((20, 20, 1), dtype=np.uint8)), "JPEG")  # 960 x 1280
    assert read_image(big).shape == (960, 1280, 3)
    for side in (1, 100, 119, 120, 121, 224, 480, 481, 960, 5000):
        image = read_image(big, min_side=side)
        assert min(image.shape[:2]) >= min(side, 960)
        assert min(image.shape[:2]) < 2 * max(side, 120) or image.shape == (960, 1280, 3)
    assert read_image(big, min_side=100).shape == (120, 160, 3)
    assert read_image(encoded(PHOTO), min_side=10).shape == PHOTO.shape  # only JPEGs are read smaller
    grey = encoded(Image.fromarray(PHOTO).convert("L"), "JPEG")
    assert read_image(grey, min_side=20).shape == (24, 32, 3)


@pytest.mark.parametrize("side", [9_000, 13_000, 20_000, 65_000])
def test_bombs_are_refused_from_the_header(side: int, tmp_path: Path) -> None:
    """Below Pillow's warning, at it, above its error: one sentence, at once, and no warning of Pillow's."""
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(side, side))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        start = perf_counter()
        with pytest.raises(T2WError) as refused:
            read_image(path)
    assert perf_counter() - start < 0.5
    assert not seen
    assert str(refused.value) == (
        f"{path} has {side}x{side} = {side * side / 1e6:.0f} million pixels; expected at most 80 million; "
        "make it smaller"
    )
    with pytest.raises(T2WError, match="million pixels"):
        read_image(path, min_side=8)


def test_a_gif_whose_frame_is_larger_than_its_screen() -> None:
    """The screen is 1x1; the first frame says 10,000x10,000, for which Pillow has a warning."""
    data = bytearray(encoded(Image.new("P", (1, 1)), "GIF"))
    frame = data.index(b",", 13)
    data[frame + 5 : frame + 9] = struct.pack("<HH", 10_000, 10_000)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(T2WError, match="million"):
            read_image(bytes(data))
    assert not seen


def test_the_largest_size_is_allowed() -> None:
    assert MAX_PIXELS == 80_000_000
    with pytest.raises(T2WError, match="damaged or truncated PNG"):  # past the size, to the data, which end early
        read_image(png_header(10_000, 8_000))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
def test_truncated(form: str, tmp_path: Path) -> None:
    data = encoded(RNG.integers(0, 255, (64, 64, 3), dtype=np.uint8), form)
    for share in (0.02, 0.3, 0.7):
        path = tmp_path / f"cut.{form}"
        path.write_bytes(data[: int(share * len(data))])
        with pytest.raises(T2WError, match=rf"cut.{form} is (a damaged or truncated {form}|not an) image"):
            read_image(path)


@pytest.mark.parametrize(
    "content", [b"hello, I am a text file\n" * 9, b"\0" * 200, b"BM", b"P6", b"%!PS-Adobe EPSF", b"x"]
)
def test_not_an_image(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(T2WError, match=r"photo\.jpg is (not|a damaged)"):
        read_image(path)


def test_no_file(tmp_path: Path) -> None:
    empty = tmp_path / "empty.png"
    empty.touch()
    with pytest.raises(T2WError, match=r"empty\.png is empty \(0 bytes\)"):
        read_image(empty)
    with pytest.raises(T2WError, match="an image of 0 bytes is empty"):
        read_image(b"")
    with pytest.raises(T2WError, match=r"cannot read .*absent.*No such file"):
        read_image(str(tmp_path / "absent.png"))
    with pytest.raises(T2WError, match="is a folder; expected an image file"):
        read_image(tmp_path)
    with pytest.raises(T2WError, match="cannot read"):
        read_image("a\0b.png")
    with pytest.raises(T2WError, match="member 3 is not an image"):
        read_image(b"text", name="member 3")


def test_many_threads() -> None:
    pictures = [
        encoded(np.full((8, 8, 3), i, dtype=np.uint8), form) for i in range(40) for form in ("PNG", "TIFF", "GIF")
    ]
    with ThreadPoolExecutor(8) as pool:
        values = [int(image[0, 0, 0]) for image in pool.map(read_image, pictures)]
    assert values == [i for i in range(40) for _ in range(3)]


def test_image_files(tmp_path: Path) -> None:
    for name in ("b/2.JPEG", "b/1.png", "a.jpg", "notes.txt", ".hidden.png", ".cache/x.png", "b/c/deep.webp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    files, refused = image_files([tmp_path])
    assert not refused
    assert [path.relative_to(tmp_path).as_posix() for path in files] == [
        "a.jpg",
        "b/1.png",
        "b/2.JPEG",
        "b/c/deep.webp",
    ]
    odd = tmp_path / "notes.txt"
    assert image_files([odd, str(tmp_path / "b")])[0][:2] == [odd, tmp_path / "b" / "1.png"]  # a file is taken as given
    files, refused = image_files([tmp_path, tmp_path / "gone"])  # one mistake does not stop the others
    assert (len(files), refused[0][0]) == (4, tmp_path / "gone")
    assert "there is no" in str(refused[0][1])
    (tmp_path / "none").mkdir()
    for wrong in ("a\0b.png", "a" * 5000):
        files, refused = image_files([wrong, odd])
        assert files == [odd]
        assert "cannot read" in str(refused[0][1])
    files, refused = image_files([tmp_path / "none"])
    assert files == []
    assert re.search(r"no images in .*none; expected files named \*\.apng", str(refused[0][1]))
    assert {suffix.lower() for suffix in IMAGE_SUFFIXES} == IMAGE_SUFFIXES


def test_a_folder_that_cannot_be_read_costs_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("open", "shut"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").touch()
    listing = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("shut"):  # permissions do not stop root, who runs tests in containers
            raise PermissionError(13, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr(os, "scandir", refusing)
    files, refused = image_files([tmp_path])
    assert files == [tmp_path / "open" / "x.png"]
    assert "cannot list" in str(refused[0][1])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_a_pipe_is_not_waited_on(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(T2WError, match=r"x\.png is not a file|is a pipe|no regular file"):
        read_image(tmp_path / "x.png")


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_folders_that_lead_in_circles(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.png").touch()
    (tmp_path / "in" / "again").symlink_to(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    assert files_in(tmp_path) == ([tmp_path / "in" / "x.png"], [])


def test_a_path_that_may_not_be_looked_at_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "locked" / "x.png"
    real = Path.stat

    def refuse(self: Path, **options: object) -> object:
        if self == path:
            raise PermissionError(13, "Permission denied", str(path))
        return real(self, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "stat", refuse)
    monkeypatch.setattr(Path, "is_dir", lambda self: False)
    found, refused = image_files([path, tmp_path / "absent.png"])
    assert found == []
    assert "Permission denied" in str(refused[0][1])
    assert "there is no" in str(refused[1][1])


@pytest.mark.parametrize("name", ["IMG_1.HEIC", "renamed.jpg"])
def test_a_phone_s_heic_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    assert image_files([tmp_path]) == ([path], [])
    with pytest.raises(T2WError, match="is HEIC, which cannot be read; expected JPEG; convert it"):
        read_image(path)
