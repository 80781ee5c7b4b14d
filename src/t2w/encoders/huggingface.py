"""Any image model of the Hugging Face hub as a frozen vision encoder."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2w.encoders.prepared import PreparedEncoder
from t2w.encoders.preprocessing import Preprocessing
from t2w.encoders.vision_models import load_features
from t2w.encoders.weights import weights_hash
from t2w.files import read_json

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from t2w.encoders.head import ClassifierHead

__all__ = ["HuggingFaceVisionEncoder"]


class HuggingFaceVisionEncoder(PreparedEncoder):
    """An image model in a folder: config.json, preprocessor_config.json, model.safetensors.

    The network is loaded when the first image is embedded.

    Args:
        folder: the model's.
        name: where it can be had: "organisation/model" on the hub; None for the folder itself.
        revision: the commit on the hub; None where there is none.
        device: where the network runs; features come back on the CPU.

    Raises:
        T2WError: files are missing, or the preprocessing is not known.
    """

    kind = "huggingface"
    _batch_size = 64

    def __init__(
        self,
        folder: str | Path,
        *,
        name: str | None = None,
        revision: str | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.folder, self.device = Path(folder), device
        self.name, self.revision = name or str(folder), revision
        self._preprocessing = Preprocessing.from_hf_folder(self.folder)

    @cached_property
    def identity(self) -> str:
        """Kind of network and the start of its weights' SHA-256: the same from the hub as from any folder."""
        config = read_json(self.folder / "config.json", what="the description of an image model")
        return f"{config.get('model_type', 'model')}@{weights_hash(self.folder)}"

    @cached_property
    def dim(self) -> int:
        """Number of features; the network is loaded to find it."""
        import torch

        height, width = self._preprocessing.size or (224, 224)
        return self.embed(torch.zeros(1, 3, height, width)).shape[1]

    def embed(self, batch: Tensor) -> Tensor:
        """(B, dim) float32 on the CPU, from (B, 3, h, w).

        Raises:
            T2WError: transformers is not installed, or the folder cannot be loaded.
        """
        import torch

        with torch.inference_mode():
            features = self.network(batch.to(self.device))
        # A copy, because tensors made in inference mode cannot be used in training.
        return features.to("cpu", torch.float32).clone()

    def head(self) -> ClassifierHead:
        """What it knows by name. Raises T2WError where it is no classifier, or one without names."""
        from t2w.encoders.huggingface_head import read_head

        return read_head(self.folder, self.dim)

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "revision": self.revision,
            "identity": self.identity,
            "preprocessing": self.preprocessing,
        }

    @cached_property
    def network(self) -> Callable[[Tensor], Tensor]:
        """(B, 3, h, w) to (B, dim), both on its device."""
        return load_features(self.folder, device=self.device)
