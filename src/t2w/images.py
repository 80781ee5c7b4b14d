"""Any image file as (H, W, 3) uint8 RGB, or a sentence that says why not."""

from __future__ import annotations

import io
import os
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from stat import S_ISDIR
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import numpy as np

from t2w.errors import T2WError

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "IMAGE_SUFFIXES", "MAX_PIXELS", "Refused", "files_in", "image_files", "read_image", "rgb_array", "unlisted",
    "unread",
]  # fmt: skip

MAX_PIXELS = 80_000_000  # 240 MB as RGB; more than any phone's photo

IMAGE_SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".gif", ".bmp", ".webp", ".tif", ".tiff"]
).union([".ppm", ".pgm", ".pbm", ".pnm", ".avif", ".jp2", ".ico", ".heic", ".heif"])
"""What counts as an image file in a folder, in small letters; HEIC so that it is named, for it cannot be read."""

# Pillow knows more. Left out is what starts another program (EPS runs Ghostscript) and what no camera writes.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000", "ICO")
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")  # brands of phones' files
_FRAMES_HAVE_SIZES = ("GIF", "TIFF", "ICO")  # their parts may be larger than their header says
_warnings_are_global = Lock()


def read_image(source: str | Path | bytes, *, min_side: int | None = None, name: str | None = None) -> np.ndarray:
    """Decode an image: upright by its EXIF orientation, first frame, transparent parts over white.

    Grey becomes RGB, CMYK and palettes too. 16-bit grey is scaled by its full range; floats and 32-bit integers by
    the smallest of [0, 1], [0, 255], [0, 65535] that holds them, else by their own range.

    Args:
        source: a path, or the file's bytes.
        min_side: in pixels; a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size as long as its shorter side stays at
            least this long, which is several times faster. None for full size.
        name: what errors call the image; None for the path.

    Returns:
        (H, W, 3) uint8 RGB, writable.

    Raises:
        T2WError: missing, a folder, empty, not an image, damaged, or more than `MAX_PIXELS`, which is seen in the
            header, before anything is decoded.
    """
    if isinstance(source, bytes):
        name = name or f"an image of {len(source)} bytes"
        if not source:
            raise T2WError(f"{name} is empty (0 bytes)", expected="an image")
        return _decoded(io.BytesIO(source), name, min_side)
    path = Path(source)
    name = name or str(path)
    try:
        if path.is_dir():
            raise T2WError(f"{name} is a folder", expected="an image file")
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise T2WError(f"{name} is a pipe or a device", expected="an image file")
        with path.open("rb") as file:
            if not file.read(1):
                raise T2WError(f"{name} is empty (0 bytes)", expected="an image", fix="copy it again")
            return _decoded(file, name, min_side)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = getattr(error, "strerror", None) or error
        raise T2WError(f"cannot read {name}: {reason}", expected="an image file") from error


def _decoded(file: BinaryIO, name: str, min_side: int | None) -> np.ndarray:
    """Pillow's `Image.open` warns of, or lets through, what we refuse; so its readers are asked one by one here."""
    from PIL import Image

    file.seek(0)
    prefix, reason = file.read(16), ""
    for load_readers in (Image.preinit, Image.init):  # the second imports all of them, which takes a while
        load_readers()
        for form in _FORMATS:
            factory, accepts = Image.OPEN.get(form, (None, None))
            answer = accepts(prefix) if accepts is not None else False
            if factory is None or not answer or isinstance(answer, str):  # a string: support is not built in
                continue
            file.seek(0)
            with _bombs_raise() if form in _FRAMES_HAVE_SIZES else nullcontext():
                try:
                    image = factory(file, b"")
                    _check_size(image.size, name)
                    return _array(image, min_side)
                except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
                    raise _too_large(name) from error
                except T2WError:
                    raise
                except Exception as error:  # damaged files raise nearly anything, struct.error and zlib.error included
                    reason = str(error) if isinstance(error, OSError | struct.error | SyntaxError) else repr(error)
                    raise T2WError(
                        f"{name} is a damaged or truncated {form} image ({reason})",
                        expected="a complete file",
                        fix="copy or export it again",
                    ) from error
    if prefix[4:8] == b"ftyp" and prefix[8:12] in _HEIC:
        raise T2WError(f"{name} is HEIC, which cannot be read", expected="JPEG", fix="convert it, or export it as JPEG")
    raise T2WError(f"{name} is not an image that can be read", expected=f"one of {', '.join(_FORMATS)}")


@contextmanager
def _bombs_raise() -> Iterator[None]:
    """Turn Pillow's warning of an oversized frame into an error; warning filters are the whole process's."""
    from PIL import Image

    with _warnings_are_global, warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _check_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise _too_large(name, f"{width}x{height} = {width * height / 1e6:.0f} million pixels")
    if width < 1 or height < 1:
        raise T2WError(f"{name} has {width}x{height} pixels", expected="at least 1x1")


def _too_large(name: str, size: str = "too many pixels") -> T2WError:
    return T2WError(f"{name} has {size}", expected=f"at most {MAX_PIXELS // 1_000_000} million", fix="make it smaller")


def _array(image: Image.Image, min_side: int | None) -> np.ndarray:
    if min_side is not None and min_side >= 1:
        image.draft("RGB", (min_side, min_side))  # a JPEG's cheap smaller versions; nothing for other formats
    image.load()
    return rgb_array(image)


def rgb_array(image: Image.Image) -> np.ndarray:
    """A Pillow image as (H, W, 3) uint8 RGB: upright by its EXIF orientation, transparent parts over white."""
    return np.array(_rgb(_upright(image)))


def _upright(image: Image.Image) -> Image.Image:
    from PIL import Image

    turn = Image.Transpose
    turns = {
        2: turn.FLIP_LEFT_RIGHT, 3: turn.ROTATE_180, 4: turn.FLIP_TOP_BOTTOM, 5: turn.TRANSPOSE, 6: turn.ROTATE_270,
        7: turn.TRANSVERSE, 8: turn.ROTATE_90,
    }  # fmt: skip
    try:
        orientation = image.getexif().get(0x0112)
    except Exception:  # a broken EXIF block does not make the picture unreadable
        return image
    return image.transpose(turns[orientation]) if orientation in turns else image


def _rgb(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bits(grey: np.ndarray) -> np.ndarray:
    """Grey values of more than 8 bits as uint8."""
    values = np.nan_to_num(grey.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if grey.dtype.kind == "u":
        low, high = 0.0, 65535.0
    elif low >= 0 and high <= 65535:
        tops = (1.0, 255.0, 65535.0) if grey.dtype.kind == "f" else (255.0, 65535.0)
        low, high = 0.0, next(top for top in tops if high <= top)
    scaled: np.ndarray = np.rint((values - low) * (255 / max(high - low, 1e-300)))
    return scaled.astype(np.uint8)


Refused: TypeAlias = "tuple[Path, T2WError]"
"""A path that cannot be used, and why."""


def files_in(folder: str | Path) -> tuple[list[Path], list[Refused]]:
    """All files under a folder, sorted, and the folders that could not be listed.

    Hidden files and folders are skipped, links to folders are followed once.
    """
    found: list[Path] = []
    refused: list[Refused] = []
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True, onerror=lambda e: refused.append(unlisted(e))):
        real = os.path.realpath(place)
        folders[:] = [] if real in seen else [name for name in folders if not name.startswith(".")]
        if real not in seen:
            seen.add(real)
            found += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(found), refused


def image_files(paths: Sequence[str | Path]) -> tuple[list[Path], list[Refused]]:
    """The image files that are meant, and the paths that are not there or cannot be listed, which stop no others.

    Files are taken as they are given, folders as all images under them, sorted; a folder without any is refused.
    """
    found: list[Path] = []
    refused: list[Refused] = []
    for path in map(Path, paths):
        try:
            is_folder = S_ISDIR(path.stat().st_mode)  # `is_dir` raises where a folder above may not be searched
        except (OSError, ValueError) as error:  # ValueError: a null byte in the path
            refused.append(unread(path, error))
            continue
        if not is_folder:
            found.append(path)
            continue
        files, not_listed = files_in(path)
        images = [file for file in files if file.suffix.lower() in IMAGE_SUFFIXES]
        if not images and not not_listed:
            expected = f"files named *{', *'.join(sorted(IMAGE_SUFFIXES))}"
            not_listed = [(path, T2WError(f"there are no images in {path}", expected=expected))]
        found += images
        refused += not_listed
    return found, refused


def unlisted(error: OSError) -> Refused:
    """A folder that could not be listed."""
    reason = T2WError(f"cannot list {error.filename}: {error.strerror}", expected="a folder that can be read")
    return Path(error.filename), reason


def unread(path: Path, error: OSError | ValueError) -> Refused:
    """A path that is not there, or cannot be looked at."""
    missing = isinstance(error, FileNotFoundError)
    found = f"there is no {path}" if missing else f"cannot read {path}: {getattr(error, 'strerror', None) or error}"
    return path, T2WError(found, expected="image files or folders of them")
