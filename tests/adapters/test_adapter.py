"""The module: closed forms of its output and logits."""

from __future__ import annotations

import math

import pytest
import torch

from t2w.adapters import Adapter, AdapterSpec
from t2w.errors import T2WError

SPEC = AdapterSpec(in_features=4, hidden=3, out_features=5, logit_scale=7.0)


def test_vector_round_trip_copies() -> None:
    vector = torch.randn(SPEC.size)
    adapter = Adapter.from_vector(SPEC, vector)
    assert torch.equal(adapter.vector(), vector)
    vector.zero_()
    assert adapter.vector().abs().sum() > 0


def test_output_is_a_unit_vector_through_the_exact_gelu() -> None:
    adapter = Adapter.from_vector(SPEC, torch.randn(SPEC.size, dtype=torch.float64))
    x = torch.randn(4, dtype=torch.float64)
    z = adapter.linear1(x[None])[0].tolist()
    h = torch.tensor([v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in z], dtype=torch.float64)
    y = adapter.linear2.weight @ h + adapter.linear2.bias
    torch.testing.assert_close(adapter(x[None])[0], y / y.norm(), rtol=1e-12, atol=1e-12)


def test_logits_are_scaled_cosines_whatever_the_texts_lengths() -> None:
    adapter, x, text = Adapter(SPEC), torch.randn(6, 4), torch.randn(2, 5)
    logits = adapter.logits(x, text)
    cosine = torch.cosine_similarity(adapter(x)[:, None], text[None], dim=-1)
    torch.testing.assert_close(logits, 7.0 * cosine)
    torch.testing.assert_close(adapter.logits(x, 3 * text), logits)
    assert logits.abs().max() <= 7.0 * (1 + 1e-5)


def test_initial_weights_come_from_the_generator_alone() -> None:
    one, two = (Adapter(SPEC, generator=torch.Generator().manual_seed(1)).vector() for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one, Adapter(SPEC, generator=torch.Generator().manual_seed(2)).vector())
    before = torch.get_rng_state()
    Adapter.from_vector(SPEC, one)
    assert torch.equal(torch.get_rng_state(), before)


def test_several_vectors_are_refused() -> None:
    with pytest.raises(T2WError, match="take one row"):
        Adapter.from_vector(SPEC, torch.zeros(2, SPEC.size))
