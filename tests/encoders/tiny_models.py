"""What the tiny models of these tests are made of; their weights are random."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
CLIP = {
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}
# As they stand on the hub, of both ages of the format, with smaller sizes.
PROCESSORS: dict[str, dict[str, Any]] = {
    "resnet": {
        "crop_pct": 0.875,
        "do_normalize": True,
        "do_resize": True,
        "feature_extractor_type": "ConvNextFeatureExtractor",
        **IMAGENET,
        "resample": 3,
        "size": 32,
    },
    "convnext": {
        "crop_pct": 0.9,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_processor_type": "ConvNextImageProcessor",
        **IMAGENET,
        "resample": 2,
        "rescale_factor": 0.00392156862745098,
        "size": {"shortest_edge": 33},
    },
    "convnext_large": {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 384}, **IMAGENET},
    "clip": {
        "crop_size": 32,
        "do_center_crop": True,
        "do_normalize": True,
        "do_resize": True,
        "feature_extractor_type": "CLIPFeatureExtractor",
        **CLIP,
        "resample": 3,
        "size": 32,
    },
    "dinov2": {
        "crop_size": {"height": 28, "width": 28},
        "do_center_crop": True,
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_processor_type": "BitImageProcessor",
        **IMAGENET,
        "resample": 3,
        "rescale_factor": 0.00392156862745098,
        "size": {"shortest_edge": 36},
    },
    "vit": {
        "do_normalize": True,
        "do_resize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "feature_extractor_type": "ViTFeatureExtractor",
        "image_std": [0.5, 0.5, 0.5],
        "size": 32,
    },
    "crop_larger_than_image": {
        "image_processor_type": "BitImageProcessor",
        "size": {"shortest_edge": 20},
        "crop_size": {"height": 41, "width": 30},
    },
    "no_normalisation": {"image_processor_type": "ViTImageProcessor", "do_normalize": False, "size": [24, 40]},
    "bytes": {
        "image_processor_type": "CLIPImageProcessorFast",
        "do_rescale": False,
        "do_normalize": False,
        "size": {"height": 24, "width": 24},
        "crop_size": {"height": 24, "width": 24},
    },
    "deit": {
        "image_processor_type": "DeiTImageProcessor",
        "size": {"height": 40, "width": 40},
        "crop_size": {"height": 32, "width": 32},
        "resample": 0,
    },
}


def network(kind: str) -> Any:
    """A tiny model of transformers with random weights."""
    import transformers as t

    sides = {"image_size": 32, "patch_size": 8}
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    if kind == "resnet":  # published as a classifier, like microsoft/resnet-18
        config = t.ResNetConfig(embedding_size=8, hidden_sizes=[8, 24], depths=[1, 1], layer_type="basic")
        return t.ResNetForImageClassification(config)
    if kind == "convnext":
        return t.ConvNextForImageClassification(t.ConvNextConfig(hidden_sizes=[8, 12, 16, 20], depths=[1, 1, 1, 1]))
    if kind == "dinov2":
        config = {**small, "image_size": 28, "patch_size": 14, "mlp_ratio": 2}
        config.pop("intermediate_size")
        return t.Dinov2Model(t.Dinov2Config(**config))
    if kind == "vit":
        return t.ViTModel(t.ViTConfig(**small, **sides))
    if kind == "vit_classifier":
        return t.ViTForImageClassification(t.ViTConfig(**small, **sides))
    vocabulary = _vocabulary()
    text = {**small, "vocab_size": len(vocabulary), "max_position_embeddings": 20}
    text |= {"bos_token_id": len(vocabulary) - 2, "eos_token_id": len(vocabulary) - 1}
    model = t.CLIPModel(t.CLIPConfig(text_config=text, vision_config={**small, **sides}, projection_dim=12))
    with torch.no_grad():
        model.logit_scale.fill_(3.25)
    return model


_MERGES = ["c a", "ca t</w>", "d o", "do g</w>"]


def _vocabulary() -> list[str]:
    from tokenizers.pre_tokenizers import ByteLevel

    letters = sorted(ByteLevel.alphabet())
    joined = [merge.replace(" ", "") for merge in _MERGES]
    return [*letters, *(f"{letter}</w>" for letter in letters), *joined, "<|startoftext|>", "<|endoftext|>"]


def save_tokenizer(folder: Path) -> None:
    """CLIP's tokenizer with a vocabulary of single letters and two words."""
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(_vocabulary())}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(_MERGES) + "\n")
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(
        json.dumps({**special, "unk_token": "<|endoftext|>", "tokenizer_class": "CLIPTokenizer"})
    )
