from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from t2w.encoders import encode_classes
from t2w.errors import T2WError


class CountingEncoder:
    """Unit vectors seeded by the text; "-x" is opposite to "x". Remembers what it was asked."""

    identity, dim, logit_scale = "counting", 12, None

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Tensor:
        self.asked.extend(texts)
        return torch.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> Tensor:
        seed = int.from_bytes(hashlib.sha256(text.lstrip("-").encode()).digest()[:7], "little")
        vector = normalize(torch.randn(self.dim, generator=torch.Generator().manual_seed(seed)), dim=0)
        return -vector if text.startswith("-") else vector


def test_prompts_are_averaged_and_normalised_again() -> None:
    encoder = CountingEncoder()
    table = encode_classes(encoder, [("a cat", "one cat"), ("a dog", "one dog")])
    expected = normalize(torch.stack([encoder.encode(["a dog", "one dog"])]).mean(dim=1), dim=1)
    assert torch.allclose(table[1], expected[0], atol=1e-6)
    assert torch.allclose(table.norm(dim=1), torch.ones(2), atol=1e-6)


def test_the_order_of_prompts_does_not_matter_and_one_is_itself() -> None:
    encoder = CountingEncoder()
    a, b = encode_classes(encoder, [("x", "y", "z"), ("z", "x", "y")])
    assert torch.allclose(a, b, atol=1e-6)
    assert torch.equal(encode_classes(encoder, [("x",), ("y",)]), encode_classes(encoder, ["x", "y"]))
    mixed = encode_classes(encoder, [("x", "y"), ("z",)])  # a class with the user's own text beside an ensemble
    assert torch.allclose(mixed[1], encoder.encode(["z"])[0], atol=1e-6)


def test_every_text_is_encoded_once() -> None:
    encoder = CountingEncoder()
    table = encode_classes(encoder, ["x", "y", "x"])
    assert encoder.asked == ["x", "y"]
    assert torch.equal(table[0], table[2])
    assert not torch.equal(table[0], table[1])


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        ([("x",), ()], "class 2 of 2 has no prompts"),
        ([("x",), ("y", "")], "class text 2 of 2 is empty"),
        ([("x", "y"), ("z", "-z")], "prompts of class 2 of 2 cancel out"),
    ],
)
def test_refused(prompts: list[tuple[str, ...]], message: str) -> None:
    with pytest.raises(T2WError, match=message):
        encode_classes(CountingEncoder(), prompts)
