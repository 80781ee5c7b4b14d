"""The encoder's half of a graph: which networks can be written out, and what their input is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from t2w.encoders.pixels import PixelEncoder
from t2w.encoders.prepared import PreparedEncoder
from t2w.errors import T2WError

if TYPE_CHECKING:
    from t2w.encoders import VisionEncoder

__all__ = ["EncoderGraph", "Resize", "encoder_graph"]

_FILTERS: dict[str, Literal["cubic", "linear"]] = {"bicubic": "cubic", "bilinear": "linear"}
"""Pillow's filters that ONNX has too, antialiased."""


@dataclass(frozen=True)
class Resize:
    """What is done to pictures of any size before the network, in the graph.

    Attributes:
        shorter: the shorter side after resizing; None where `size` is reached whatever the proportions.
        size: (height, width) that the network takes, cut out of the middle.
        mode: the filter, as ONNX names it.
    """

    shorter: int | None
    size: tuple[int, int]
    mode: Literal["cubic", "linear"]


@dataclass(frozen=True, eq=False)
class EncoderGraph:
    """What a graph needs of an encoder.

    Attributes:
        module: bytes (N, 3, h, w), or (N, h, w) for grey images of a data set, to features (N, d).
        size: (h, w).
        unresized: (height, width) of pictures that are cut, but not resized, on their way to (h, w).
        colour: whether images have three channels.
        resize: how pictures of other sizes come to (h, w); None where the graph takes that size alone.
    """

    module: nn.Module
    size: tuple[int, int]
    unresized: tuple[int, int]
    colour: bool
    resize: Resize | None


def encoder_graph(encoder: VisionEncoder) -> EncoderGraph:
    """The graph's half that is the encoder.

    Raises:
        T2WError: an encoder of an unknown kind, or one whose images are of no one size.
    """
    if isinstance(encoder, PixelEncoder):
        mean = torch.tensor(encoder.mean, dtype=torch.float64).reshape(encoder.shape)
        return EncoderGraph(
            _Standardised(mean, encoder.std, None), encoder.shape, encoder.shape, colour=False, resize=None
        )
    network = getattr(encoder, "network", None)
    if not isinstance(encoder, PreparedEncoder) or network is None:
        raise T2WError(
            f"the vision encoder {encoder.identity} cannot be written as a graph",
            expected="EfficientNet-Lite0, a Hugging Face image model, or pixels",
            fix="export --to numpy, and extract the features with that encoder",
        )
    preparation = encoder.preparation
    size, to = preparation.size, preparation.resize
    unresized = (to, to) if isinstance(to, int) else to or size
    if size is None or unresized is None or unresized[0] < size[0] or unresized[1] < size[1]:
        raise T2WError(
            f"the vision encoder {encoder.identity} takes pictures resized to {to} and cut to {preparation.crop}",
            expected="one input size, without borders",
            fix="export --to numpy, and extract the features with that encoder",
        )
    mean, std = (torch.tensor(v, dtype=torch.float64)[:, None, None] for v in (preparation.mean, preparation.std))
    # (byte * rescale - mean) / std, with the factor taken into the other two.
    module = _Standardised(mean / preparation.rescale, std / preparation.rescale, network)
    mode = None if to is None else _FILTERS.get(preparation.resample)
    resize = None if mode is None else Resize(to if isinstance(to, int) else None, size, mode)
    if resize is not None and resize.shorter is None and unresized != size:
        resize = None  # to a size, then cut: no processor on the hub does that
    return EncoderGraph(module, size, unresized, colour=True, resize=resize)


class _Standardised(nn.Module):
    """Bytes, less a mean and divided by a deviation, and through a network; flat where there is none."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor | float, network: Callable[[Tensor], Tensor] | None) -> None:
        super().__init__()
        self.register_buffer("mean", mean.float())
        self.register_buffer("std", torch.as_tensor(std).float())
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        x = (pixels.float() - self.mean) / self.std
        return x.flatten(1) if self.network is None else self.network(x)
