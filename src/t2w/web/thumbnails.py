"""Small pictures for the page, made when they are looked at: a browser asks for those in sight alone."""

from __future__ import annotations

from pathlib import Path
from threading import Semaphore

from t2w.files import atomic_path
from t2w.images import read_image
from t2w.web.session import Picture

__all__ = ["thumbnail"]

_SIDE, _QUALITY = 256, 75
_at_once = Semaphore(2)  # each holds a picture of up to 240 MB while it is made smaller


def thumbnail(picture: Picture, folder: Path) -> Path:
    """The file of a picture's thumbnail, a WebP of at most 256 pixels a side. Raises T2WError where it is no image."""
    from PIL import Image

    path = folder / f"{picture.number}.webp"
    with _at_once:
        if not path.exists():
            small = Image.fromarray(read_image(picture.file, min_side=_SIDE, name=picture.name))
            small.thumbnail((_SIDE, _SIDE))
            with atomic_path(path) as temporary:
                small.save(temporary, format="webp", quality=_QUALITY)
    return path
