"""A photograph as the encoder saw it, and on it what speaks for the predicted class and for the runner-up."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from t2w.canvas import MUTED, canvas, plain, short
from t2w.inspection.heat import PhotoHeat

__all__ = ["heat_picture"]

_SIDE, _GAP, _BAR = 2.1, 0.08, 0.1  # inches: a panel, what lies between two, the bar of colours
_ALPHA = 0.7  # of the hottest places


def heat_picture(path: str | Path, photo: PhotoHeat, *, source: str | None = None) -> None:
    """Draw one photograph.

    Both maps have one scale, so that the weaker one looks weaker; what speaks against a class is not coloured.

    Args:
        path: the PNG file.
        source: a line below, such as who made the photograph; None for none.
    """
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    high, wide = photo.pixels.shape[:2]
    most = max(1e-6, *(float(one.heat.max()) for one in photo.shown))
    panels, side = (None, *photo.shown), _SIDE * wide / high
    width, height = len(panels) * (side + _GAP) + _BAR, _SIDE
    grey = photo.pixels.mean(axis=2, keepdims=True).repeat(3, axis=2).astype(np.uint8)
    with canvas(path, width, height) as figure:
        for i, one in enumerate(panels):
            axes = figure.add_axes((i * (side + _GAP) / width, 0.0, side / width, 1.0))
            plain(axes)
            axes.set_axis_off()
            axes.imshow(photo.pixels if one is None else grey, interpolation="bilinear")
            if one is None:
                axes.set_title("as the encoder sees it", fontsize=8.5, color=MUTED)
                continue
            share = _enlarged(one.heat.clip(min=0) / most, (high, wide))
            colours = colormaps["inferno"](share)
            colours[..., 3] = _ALPHA * np.minimum(1, 1.6 * share)
            axes.imshow(colours, interpolation="bilinear")
            axes.set_title(f"{short(one.name, 22)}  {100 * one.probability:.1f} %", fontsize=9.5)
        place = figure.add_axes((len(panels) * (side + _GAP) / width, 0.0, _BAR / width, 1.0))
        bar = figure.colorbar(ScalarMappable(Normalize(0, most), "inferno"), cax=place)
        bar.set_label("speaks for the class, in logits", fontsize=8)
        bar.outline.set_visible(False)
        place.tick_params(length=0, labelsize=8)
        if source is not None:
            figure.text(0.0, -0.09, source, fontsize=7, color=MUTED)


def _enlarged(heat: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A map (h, w) in 0..1 smoothly enlarged to the photograph's size."""
    from PIL import Image

    picture = Image.fromarray(heat.astype(np.float32))
    return np.asarray(picture.resize((size[1], size[0]), Image.Resampling.BILINEAR)).clip(0, 1)
