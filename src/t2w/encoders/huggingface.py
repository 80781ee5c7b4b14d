"""Any image model of the Hugging Face hub as a frozen vision encoder."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2w.encoders.head import ClassifierHead, read_head
from t2w.encoders.image_processors import read_preprocessing
from t2w.encoders.loading import load_model, loading, weights_hash
from t2w.encoders.prepared import PreparedEncoder
from t2w.errors import T2WError
from t2w.files import read_json

if TYPE_CHECKING:
    import torch
    from torch import Tensor

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
        self._preprocessing = read_preprocessing(self.folder)

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

    def head(self) -> ClassifierHead:
        """What it knows by name. Raises T2WError where it is no classifier, or one without names."""
        return read_head(self.folder, self.dim)

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "name": self.name, "revision": self.revision}

    @cached_property
    def network(self) -> Callable[[Tensor], Tensor]:
        """A function of (B, 3, h, w) to (B, dim) pooled features.

        What the features are follows from the model: CLIP gives its image embedding in the space it shares with texts,
        other models with a text side their image features, and image models what they pool (ResNet and ConvNeXt the
        mean over places, DINOv2 its class token). A ViT trained to classify has no pooler; its class token is taken.

        Raises:
            T2WError: transformers is not installed, or the folder is no complete image model.
        """
        import torch

        with loading("vision encoder", self.folder, library="transformers", expected="a complete image model"):
            from transformers import AutoConfig, AutoModel, CLIPVisionModelWithProjection

            config = AutoConfig.from_pretrained(str(self.folder), local_files_only=True, trust_remote_code=False)
            kind: Any = AutoModel
            own: Any = None
            if config.model_type == "clip":  # both towers: what the vision tower needs of the whole is its projection
                kind, own = CLIPVisionModelWithProjection, config.vision_config
                own.projection_dim = config.projection_dim
            elif (config.architectures or [""])[0] == "CLIPVisionModelWithProjection":
                kind = CLIPVisionModelWithProjection
            model, unpooled = load_model(
                kind, self.folder, config=own, may_lack=lambda name: name.startswith("pooler.")
            )
            model.to(self.device)

        def features(images: Tensor) -> Tensor:
            given = getattr(model, "get_image_features", model)
            found: Any = given(pixel_values=images)
            pooled: Tensor | None
            if isinstance(found, torch.Tensor):
                pooled = found
            elif unpooled:
                pooled = found.last_hidden_state[:, 0]
            else:
                pooled = found.get("image_embeds")
                pooled = found.get("pooler_output") if pooled is None else pooled
            if pooled is None:
                raise T2WError(
                    f"the {config.model_type} in {self.folder} gives no pooled features",
                    expected="a model with a pooler, such as resnet18, clip-b32, dinov2-small or convnext-tiny",
                )
            return pooled.flatten(1)

        return features
