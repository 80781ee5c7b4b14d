"""The embedded vision encoder's network: a small residual network for 64x64 images.

Written twice, because it is used twice: with batch normalisation while it is trained, and folded into plain
convolutions with biases (`fold`) once it is frozen, which is smaller, faster and the same function.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["FEATURES", "WIDTHS", "EmbeddedNet", "fold"]

WIDTHS = (32, 64, 128, 256)  # channels at 32x32, 16x16, 8x8 and 4x4
FEATURES = 512


class Conv(nn.Module):
    """3x3 convolution and, while training, batch normalisation.

    Args:
        folded: a bias in the place of the normalisation.
    """

    def __init__(self, c_in: int, c_out: int, stride: int, *, folded: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, 3, stride, padding=1, bias=folded)
        self.norm: nn.Module = nn.Identity() if folded else nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.conv(x))
        return y


class Block(nn.Module):
    """Two convolutions added to their input (He et al. 2015, arXiv 1512.03385)."""

    def __init__(self, channels: int, *, folded: bool) -> None:
        super().__init__()
        self.first, self.second = (Conv(channels, channels, 1, folded=folded) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(F.relu(self.first(x))))


class EmbeddedNet(nn.Module):
    """(B, 3, 64, 64) images to (B, 512) features.

    Args:
        widths: channels of the stem (half the image's size) and of each stage (each half the size before).
        depths: residual blocks per stage.
        folded: made for weights that `fold` gave.
    """

    def __init__(
        self, widths: Sequence[int] = WIDTHS, depths: Sequence[int] = (1, 1, 1), *, folded: bool = False
    ) -> None:
        super().__init__()
        self.stem = Conv(3, widths[0], 2, folded=folded)
        self.downs = nn.ModuleList(Conv(a, b, 2, folded=folded) for a, b in itertools.pairwise(widths))
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(width, folded=folded) for _ in range(depth)))
            for width, depth in zip(widths[1:], depths, strict=True)
        )
        self.head = nn.Linear(widths[-1], FEATURES)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        for down, stage in zip(self.downs, self.stages, strict=True):
            x = stage(F.relu(down(x)))
        y: Tensor = self.head(x.mean(dim=(2, 3)))
        return y


def fold(state: dict[str, Tensor], *, eps: float = 1e-5) -> dict[str, Tensor]:
    """The state of the folded network: each normalisation's scale and shift moved into its convolution."""
    folded = {}
    for name, value in state.items():
        if name.endswith("conv.weight"):
            norm = name.removesuffix("conv.weight") + "norm."
            gain = state[norm + "weight"] / (state[norm + "running_var"] + eps).sqrt()
            folded[name] = value * gain[:, None, None, None]
            folded[name.removesuffix("weight") + "bias"] = state[norm + "bias"] - state[norm + "running_mean"] * gain
        elif ".norm." not in name:
            folded[name] = value
    return folded
