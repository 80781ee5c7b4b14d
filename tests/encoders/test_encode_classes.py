from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from t2w.encoders import TextEncoder, encode_classes
from t2w.errors import T2WError


class HashTextEncoder:
    """Unit vectors seeded by the text: no model, no download."""

    identity, dim, logit_scale = "hash", 12, None

    def __init__(self, factor: float = 1.0, width: int = 12) -> None:
        self.factor, self.width = factor, width

    def encode(self, texts: Sequence[str]) -> Tensor:
        rows = []
        for text in texts:
            seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "little")
            rows.append(torch.randn(self.width, generator=torch.Generator().manual_seed(seed)))
        return torch.nn.functional.normalize(torch.stack(rows), dim=1) * self.factor


def test_table_is_aligned_with_the_texts() -> None:
    encoder = HashTextEncoder()
    assert isinstance(encoder, TextEncoder)
    table = encode_classes(encoder, ["a cat", "a dog", "a cow"])
    assert tuple(table.shape) == (3, 12)
    assert torch.equal(table[1], encoder.encode(["a dog"])[0])


@pytest.mark.parametrize(
    ("encoder", "texts", "message"),
    [
        (HashTextEncoder(), [], "no class texts"),
        (HashTextEncoder(), ["a", " "], "class text 2 of 2 is empty"),
        (HashTextEncoder(width=11), ["a"], r"shape \(1, 11\); expected \(1, 12\)"),
        (HashTextEncoder(factor=2), ["a"], "length 2 to 2; expected unit vectors"),
        (HashTextEncoder(factor=float("nan")), ["a"], "expected unit vectors"),
    ],
)
def test_refused(encoder: HashTextEncoder, texts: list[str], message: str) -> None:
    with pytest.raises(T2WError, match=message):
        encode_classes(encoder, texts)
