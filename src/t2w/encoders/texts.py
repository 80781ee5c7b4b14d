"""Class texts to the (C, dim) table that the whole house indexes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from t2w.errors import T2WError

if TYPE_CHECKING:
    from torch import Tensor

    from t2w.encoders.protocols import TextEncoder

__all__ = ["encode_classes"]


def encode_classes(encoder: TextEncoder, texts: Sequence[str]) -> Tensor:
    """The embeddings of class texts, (len(texts), dim) float32, L2-normalised, in order.

    Raises:
        T2WError: no text, an empty one, or an encoder that does not keep its word.
    """
    if not texts:
        raise T2WError("there are no class texts", expected="one per class")
    for position, text in enumerate(texts):
        if not text.strip():
            raise T2WError(f"class text {position + 1} of {len(texts)} is empty", expected="a name or a sentence")
    table = encoder.encode(texts)
    if tuple(table.shape) != (len(texts), encoder.dim):
        raise T2WError(
            f"{encoder.identity} gave embeddings of shape {tuple(table.shape)}",
            expected=f"({len(texts)}, {encoder.dim})",
        )
    norms = table.norm(dim=1)
    if not bool((norms - 1).abs().max() < 1e-3):  # also true for NaN
        raise T2WError(
            f"{encoder.identity} gave embeddings of length {norms.min():.3g} to {norms.max():.3g}",
            expected="unit vectors",
        )
    return table
