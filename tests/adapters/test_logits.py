"""Logits of many adapters at once: those of each adapter alone, and the same gradients."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.testing import assert_close

from t2w.adapters import Adapter, AdapterSpec, task_logits

SPEC = AdapterSpec(in_features=7, hidden=4, out_features=6, logit_scale=13.0)
CLASSES = [3, 5, 2]  # of each task
MASK = torch.arange(max(CLASSES)) < torch.tensor(CLASSES)[:, None]


def case(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    vectors = torch.randn(3, SPEC.size, generator=rng, dtype=dtype)
    x = torch.randn(3, 11, SPEC.in_features, generator=rng, dtype=dtype)
    text = torch.nn.functional.normalize(torch.randn(3, 5, SPEC.out_features, generator=rng, dtype=dtype), dim=-1)
    return vectors, x, text


def test_equals_each_adapter_alone() -> None:
    vectors, x, text = case()
    found = task_logits(SPEC, vectors, x, text, MASK)
    assert found.shape == (3, 11, 5)
    for i, n in enumerate(CLASSES):
        alone = Adapter.from_vector(SPEC, vectors[i]).logits(x[i], text[i, :n])
        assert_close(found[i, :, :n], alone, atol=1e-10, rtol=1e-10)


def test_padding_is_never_chosen_whatever_it_holds() -> None:
    vectors, x, text = case()
    found = task_logits(SPEC, vectors, x, text, MASK)
    assert bool((found[~MASK[:, None].expand_as(found)] == float("-inf")).all())
    filled = torch.where(MASK[..., None], text, torch.full_like(text, 1e6))
    assert torch.equal(task_logits(SPEC, vectors, x, filled, MASK), found)
    assert bool(torch.isfinite(found[MASK[:, None].expand_as(found)]).all())


def test_gradients_are_those_through_the_adapter() -> None:
    vectors, x, text = case()
    vectors.requires_grad_(True)
    labels = torch.stack([torch.arange(11) % n for n in CLASSES])
    logits = task_logits(SPEC, vectors, x, text, MASK)
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum").backward()
    assert vectors.grad is not None
    for i, n in enumerate(CLASSES):
        adapter = Adapter.from_vector(SPEC, vectors[i])
        torch.nn.functional.cross_entropy(adapter.logits(x[i], text[i, :n]), labels[i], reduction="sum").backward()
        alone = torch.cat([p.grad.flatten() for p in adapter.parameters() if p.grad is not None])
        assert_close(vectors.grad[i], alone, atol=1e-10, rtol=1e-8)


def test_gradients_stay_finite_where_outputs_vanish() -> None:
    _, x, text = case(torch.float32)
    vectors = torch.zeros(3, SPEC.size, requires_grad=True)
    logits = task_logits(SPEC, vectors, x, text, MASK)
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.zeros(33, dtype=torch.int64)).backward()
    assert vectors.grad is not None
    assert bool(torch.isfinite(vectors.grad).all())
