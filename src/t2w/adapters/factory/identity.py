"""Hashes of tensors and feature sets: what an adapter depends on, in a few characters."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from t2w.features import FeatureSet

__all__ = ["features_identity", "tensor_hash"]


def tensor_hash(*tensors: torch.Tensor | None) -> str:
    """SHA-256 (16 hex digits) of types, shapes and bytes; None counts as something of its own."""
    digest = hashlib.sha256()
    for tensor in tensors:
        if tensor is None:
            digest.update(b"none")
            continue
        tensor = tensor.detach().cpu().contiguous()
        digest.update(f"{tensor.dtype}/{tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]


def features_identity(features: FeatureSet) -> dict[str, str]:
    """Whose features they are (encoder, preprocessing, split) and a hash of their numbers, labels and class names."""
    names = hashlib.sha256("\0".join(features.class_names).encode()).hexdigest()[:16]
    return {
        "encoder": features.encoder,
        "preprocessing": features.preprocessing,
        "split": features.split,
        "hash": tensor_hash(features.features, features.scale, features.labels),
        "class_names": names,
    }
