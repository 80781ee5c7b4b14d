"""Whatever a user calls images, one or many, as (H, W, 3) uint8 arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, cast

import numpy as np

from t2w.errors import T2WError
from t2w.images import read_image, rgb_array

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

__all__ = ["Picture", "Pictures", "pictures_of", "pixels_of"]

Picture: TypeAlias = "np.ndarray | Tensor | Image | str | Path | bytes"
"""One image: an array (H, W) or (H, W, 3), a tensor (H, W) or (3, H, W), a Pillow image, a path, or a file's bytes."""

Pictures: TypeAlias = "Picture | Sequence[Picture]"
"""One image, several, or an array (N, H, W), (N, H, W, 3) or tensor (N, 3, H, W) of them."""

_CHANNELS = (3, 4)
_KINDS = "an array, a tensor, a Pillow image, a path or a file's bytes"
_pillow_reads = Lock()  # Pillow reads a file when its image is first used; one image may be given twice


def pictures_of(images: Pictures) -> Sequence[Picture]:
    """The images as a sequence: one image given alone is one image. Raises T2WError at what holds no images."""
    if isinstance(images, (str, Path, bytes)) or _is_pillow(images):
        return [images]
    if _is_tensor(images):
        return list(images) if images.ndim == 4 or (images.ndim == 3 and images.shape[0] not in _CHANNELS) else [images]
    if isinstance(images, np.ndarray):
        many = images.ndim == 4 or (images.ndim == 3 and images.shape[2] not in _CHANNELS)
        return list(images) if many else [images]
    if not isinstance(images, Iterable):
        raise T2WError(f"images are {type(images).__name__}", expected=_KINDS)
    return list(cast("Iterable[Picture]", images))


def pixels_of(picture: Picture, *, min_side: int | None = None) -> np.ndarray:
    """One image as uint8, (H, W) or (H, W, 3); files and Pillow images upright, transparent parts over white.

    Floating-point values are taken as 0 to 1.

    Args:
        min_side: see `read_image`.

    Raises:
        T2WError: not an image.
    """
    if isinstance(picture, (str, Path, bytes)):
        return read_image(picture, min_side=min_side)
    if _is_pillow(picture):
        with _pillow_reads:
            try:
                picture.load()
            except Exception as error:  # as `read_image`: damaged files raise nearly anything
                raise T2WError(f"a Pillow image cannot be read ({error})", expected="a complete image") from error
        return rgb_array(picture)
    if _is_tensor(picture):
        values = picture.detach().cpu().numpy()
        return _bytes(np.moveaxis(values, 0, -1) if values.ndim == 3 and values.shape[0] in _CHANNELS else values)
    if isinstance(picture, np.ndarray):
        return _bytes(picture)
    raise T2WError(f"an image is {type(picture).__name__}", expected=_KINDS)


def _bytes(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "f":
        if values.size and not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
            raise T2WError(
                f"an image of type {values.dtype} has values from {values.min():g} to {values.max():g}",
                expected="0 to 1, or whole numbers from 0 to 255 as uint8",
                fix="give it before any normalisation",
            )
        values = np.rint(255 * values).astype(np.uint8)
    if values.ndim == 3 and values.shape[2] == 4:
        from PIL import Image

        return rgb_array(Image.fromarray(values, "RGBA"))
    return values


def _is_pillow(value: Any) -> TypeGuard[Image]:
    return type(value).__module__.startswith("PIL.")


def _is_tensor(value: Any) -> TypeGuard[Tensor]:
    return type(value).__module__ == "torch" and hasattr(value, "detach")
