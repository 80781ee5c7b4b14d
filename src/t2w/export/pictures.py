"""Pictures that nobody took, to compare two classifiers on."""

from __future__ import annotations

import numpy as np

__all__ = ["made_up"]


def made_up(number: int, shape: tuple[int, ...], *, top: int = 255, seed: int = 0) -> np.ndarray:
    """Coloured waves with some noise.

    Args:
        shape: (H, W) or (H, W, 3).
        top: the largest value.

    Returns:
        (number, *shape) uint8.
    """
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]][..., None] / max(shape[:2])
    pictures = np.empty((number, *shape), dtype=np.uint8)
    for picture in pictures:
        channels = picture[..., None] if picture.ndim == 2 else picture
        a, b, c = random.uniform(0, 40, (3, channels.shape[2]))
        waves = 0.5 + 0.4 * np.sin(a * x + b * y + c) + random.normal(0, 0.1, channels.shape)
        channels[:] = top * np.clip(waves, 0, 1)
    return pictures
