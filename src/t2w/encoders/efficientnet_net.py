"""EfficientNet-Lite0 (Tan and Le 2019, arXiv 1905.11946; the Lite variants: github.com/tensorflow/tpu, 2020).

EfficientNet without squeeze-and-excitation and with ReLU6 for swish. Batch normalisation is folded into the
convolutions: the network is frozen. Convolutions of stride 2 are padded as TensorFlow pads them ("SAME": more on the
right and below), on which two to three points of accuracy hang.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["FEATURES", "EfficientNetLite0", "folded_state"]

FEATURES = 1280
_STEM, _EPSILON = 32, 1e-3
_STAGES = (  # repeats, kernel, stride of the first block, expansion, channels
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)  # fmt: skip


class Conv(nn.Conv2d):
    """Convolution with "SAME" padding, then ReLU6 unless `linear`."""

    def __init__(
        self, c_in: int, c_out: int, kernel: int, stride: int = 1, *, groups: int = 1, linear: bool = False
    ) -> None:
        super().__init__(c_in, c_out, kernel, stride, padding=0 if stride > 1 else kernel // 2, groups=groups)
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] > 1:
            x = _padded(x, self.kernel_size[0], self.stride[0])
        x = super().forward(x)
        return x if self.linear else F.relu6(x, inplace=not torch.is_grad_enabled())


class Block(nn.Module):
    """Widen, filter every channel by itself, narrow; added to its input where sizes allow (MobileNetV2's block)."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = c_in * expansion
        self.expand = Conv(c_in, wide, 1) if expansion > 1 else nn.Identity()
        self.depthwise = Conv(wide, wide, kernel, stride, groups=wide)
        self.project = Conv(wide, c_out, 1, linear=True)
        self.residual = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return y.add_(x) if self.residual and not torch.is_grad_enabled() else x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """(B, 3, h, w) images to (B, 1280) features, the mean over places of the last convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Conv(3, _STEM, 3, 2)
        blocks, channels = [], _STEM
        for repeats, kernel, stride, expansion, width in _STAGES:
            for i in range(repeats):
                blocks.append(Block(channels, width, kernel, stride if i == 0 else 1, expansion))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.head = Conv(channels, FEATURES, 1)

    def maps(self, x: Tensor) -> Tensor:
        """(B, 1280, h/32, w/32), the last convolution's planes."""
        y: Tensor = self.head(self.blocks(self.stem(x)))
        return y

    def forward(self, x: Tensor) -> Tensor:
        return self.maps(x).mean(dim=(2, 3))


def folded_state(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of `EfficientNetLite0` from the published tensors, normalisation folded into the convolutions.

    Raises:
        KeyError: a tensor is missing.
    """
    state: dict[str, Tensor] = {}

    def fold(ours: str, conv: str, norm: str) -> None:
        gain = published[f"{norm}.weight"] / (published[f"{norm}.running_var"] + _EPSILON).sqrt()
        state[f"{ours}.weight"] = published[f"{conv}.weight"] * gain[:, None, None, None]
        state[f"{ours}.bias"] = published[f"{norm}.bias"] - published[f"{norm}.running_mean"] * gain

    fold("stem", "_conv_stem", "_bn0")
    fold("head", "_conv_head", "_bn1")
    expansions = [stage[3] for stage in _STAGES for _ in range(stage[0])]
    for i, expansion in enumerate(expansions):
        theirs, ours = f"_blocks.{i}", f"blocks.{i}"
        if expansion > 1:
            fold(f"{ours}.expand", f"{theirs}._expand_conv", f"{theirs}._bn0")
        fold(f"{ours}.depthwise", f"{theirs}._depthwise_conv", f"{theirs}._bn1")
        fold(f"{ours}.project", f"{theirs}._project_conv", f"{theirs}._bn2")
    return state


def _padded(x: Tensor, kernel: int, stride: int) -> Tensor:
    """x with TensorFlow's "SAME" padding: the output has ceil(side / stride) places, the odd line goes last."""
    missing = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[-2:]]
    (top, bottom), (left, right) = ((m // 2, m - m // 2) for m in missing)
    return F.pad(x, (left, right, top, bottom))
