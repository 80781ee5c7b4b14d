"""All that a new packaged vision encoder is: this file, a line in `PACKAGED`, and a yaml that names it."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from t2w.encoders.head import ClassifierHead
from t2w.encoders.packaged import PackagedEncoder
from t2w.encoders.preprocessing import Preprocessing


class Colours(nn.Module):
    """Four mixtures of red, green and blue at every place."""

    def __init__(self, mixtures: Tensor) -> None:
        super().__init__()
        self.mixtures = nn.Parameter(mixtures)

    def maps(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.mixtures[:, :, None, None])

    def forward(self, x: Tensor) -> Tensor:
        return self.maps(x).mean(dim=(2, 3))


class ColoursEncoder(PackagedEncoder):
    kind = "colours"
    dim = 4
    _preprocessing = Preprocessing(resize=8, crop=(8, 8))

    def build(self, published: Mapping[str, Tensor]) -> Colours:
        return Colours(published["mixtures"])

    def head(self) -> ClassifierHead:
        return ClassifierHead(self.published["rows"], self.published["rows"].sum(1), ("tomato", "lawn", "sea"))
