"""Class texts to the (C, dim) table that the whole house indexes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from t2w.errors import T2WError

if TYPE_CHECKING:
    from torch import Tensor

    from t2w.encoders.protocols import TextEncoder

__all__ = ["encode_classes"]


def encode_classes(encoder: TextEncoder, texts: Sequence[str] | Sequence[Sequence[str]]) -> Tensor:
    """The embeddings of class texts, (len(texts), dim) float32, L2-normalised, in order; every text is encoded once.

    Args:
        texts: one text per class, or the prompts of each class (see `TextMode.prompts`). The embedding of several
            prompts is the mean of theirs, normalised again (CLIP's prompt ensemble, Radford et al. 2021, 3.1.4).

    Raises:
        T2WError: no text, an empty one, prompts that cancel out, or an encoder that does not keep its word.
    """
    prompts = [(text,) if isinstance(text, str) else tuple(text) for text in texts]
    if not prompts:
        raise T2WError("there are no class texts", expected="one per class")
    for position, several in enumerate(prompts, start=1):
        if not several:
            raise T2WError(f"class {position} of {len(prompts)} has no prompts", expected="at least one")
        if not all(text.strip() for text in several):
            raise T2WError(f"class text {position} of {len(prompts)} is empty", expected="a name or a sentence")
    distinct = list(dict.fromkeys(text for several in prompts for text in several))
    table = encoder.encode(distinct)
    if tuple(table.shape) != (len(distinct), encoder.dim):
        raise T2WError(
            f"{encoder.identity} gave embeddings of shape {tuple(table.shape)}",
            expected=f"({len(distinct)}, {encoder.dim})",
        )
    norms = table.norm(dim=1)
    if not bool((norms - 1).abs().max() < 1e-3):  # also true for NaN
        raise T2WError(
            f"{encoder.identity} gave embeddings of length {norms.min():.3g} to {norms.max():.3g}",
            expected="unit vectors",
        )
    rows = {text: row for row, text in enumerate(distinct)}
    if all(len(several) == 1 for several in prompts):
        return table[[rows[several[0]] for several in prompts]]
    import torch

    means = torch.stack([table[[rows[text] for text in several]].mean(dim=0) for several in prompts])
    norms = means.norm(dim=1, keepdim=True)
    if float(norms.min()) < 1e-3:
        position = int(norms.argmin())
        raise T2WError(f"the prompts of class {position + 1} of {len(prompts)} cancel out: {list(prompts[position])}")
    return means / norms
