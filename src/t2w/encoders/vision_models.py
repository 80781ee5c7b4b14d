"""Image models of transformers as functions from prepared images to pooled features."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2w.encoders.loading import load_model, loading
from t2w.errors import T2WError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["load_features"]


def load_features(folder: Path, *, device: torch.device | str) -> Callable[[Tensor], Tensor]:
    """A function of (B, 3, h, w) on `device` to (B, D) there.

    What the features are follows from the model: CLIP gives its image embedding in the space it shares with texts,
    other models with a text side their image features, and image models what they pool (ResNet and ConvNeXt the mean
    over places, DINOv2 its class token). A ViT trained to classify has no pooler; its class token is taken.

    Raises:
        T2WError: transformers is not installed, or the folder is no complete image model.
    """
    import torch

    with loading("vision encoder", folder, library="transformers", expected="a complete image model"):
        from transformers import AutoConfig, AutoModel, CLIPVisionModelWithProjection

        config = AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        kind: Any = AutoModel
        own: Any = None
        if config.model_type == "clip":  # both towers: what the vision tower needs of the whole is its projection
            kind, own = CLIPVisionModelWithProjection, config.vision_config
            own.projection_dim = config.projection_dim
        elif (config.architectures or [""])[0] == "CLIPVisionModelWithProjection":
            kind = CLIPVisionModelWithProjection
        model, unpooled = load_model(kind, folder, config=own, may_lack=lambda name: name.startswith("pooler."))
        model.to(device)

    def features(images: Tensor) -> Tensor:
        found: Any
        if hasattr(model, "get_image_features"):
            found = model.get_image_features(pixel_values=images)
        else:
            found = model(pixel_values=images)
        if isinstance(found, torch.Tensor):
            return found.flatten(1)
        if unpooled:
            class_token: Tensor = found.last_hidden_state[:, 0]
            return class_token
        pooled = found.get("image_embeds")
        pooled = found.get("pooler_output") if pooled is None else pooled
        if pooled is None:
            raise T2WError(
                f"the {config.model_type} in {folder} gives no pooled features",
                expected="a model with a pooler, such as resnet18, clip-b32, dinov2-small or convnext-tiny",
            )
        flat: Tensor = pooled.flatten(1)
        return flat

    return features
