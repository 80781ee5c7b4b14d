"""The vision encoder that comes with the package: 64x64 images to 512 features, on any machine, offline."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2w.encoders.prepared import PreparedEncoder
from t2w.encoders.preprocessing import Preprocessing
from t2w.errors import T2WError
from t2w.files import load_tensors, sha256_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from t2w.encoders.embedded_net import EmbeddedNet

__all__ = ["FORMAT", "MEAN", "SIDE", "STD", "VERSION", "EmbeddedEncoder"]

FORMAT, VERSION = "t2w-embedded-encoder", 1
NAME, FILE = "t2w-embedded", "encoder.safetensors"
SIDE = 64
# Of the training images of Tiny-ImageNet-200.
MEAN, STD = (0.480, 0.448, 0.398), (0.277, 0.269, 0.282)


class EmbeddedEncoder(PreparedEncoder):
    """A frozen residual network; see `assets/encoder.md` for what it was trained on and how well.

    Args:
        path: its weights; None for those in this package. Raises T2WError where that file is missing or altered.
        device: where it runs; features come back on the CPU.
    """

    kind = "embedded"
    _batch_size = 256
    _preprocessing = Preprocessing(resize=SIDE, crop=(SIDE, SIDE), mean=MEAN, std=STD)

    def __init__(self, path: str | Path | None = None, *, device: torch.device | str = "cpu") -> None:
        from t2w.assets import asset

        self.path, self.device = asset(FILE) if path is None else Path(path), device

    @cached_property
    def identity(self) -> str:
        """Name and the start of the weights' SHA-256."""
        return f"{NAME}@{sha256_of(self.path)[:16]}"

    @property
    def dim(self) -> int:
        from t2w.encoders.embedded_net import FEATURES

        return FEATURES

    def embed(self, batch: Tensor) -> Tensor:
        """(B, 512) float32 on the CPU, from (B, 3, 64, 64)."""
        import torch

        with torch.inference_mode():
            features = self._network(batch.to(self.device, memory_format=torch.channels_last))
        # A copy, because tensors made in inference mode cannot be used in training.
        return features.to("cpu", torch.float32).clone()

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "identity": self.identity, "preprocessing": self.preprocessing}

    @cached_property
    def _network(self) -> EmbeddedNet:
        import torch

        from t2w.encoders.embedded_net import EmbeddedNet

        tensors, metadata = load_tensors(self.path, what="the weights of an embedded encoder")
        if (metadata.get("format"), metadata.get("version")) != (FORMAT, VERSION):
            raise T2WError(
                f"{self.path} holds {metadata.get('format', 'other tensors')!r}, version {metadata.get('version')}",
                expected=f"{FORMAT!r}, version {VERSION}",
            )
        recipe = metadata["recipe"]
        network = EmbeddedNet(recipe["widths"], recipe["depths"], folded=True)
        network.load_state_dict({name: value.float() for name, value in tensors.items()})
        return network.eval().to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
