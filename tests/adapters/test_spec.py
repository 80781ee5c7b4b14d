"""The weight vector: its order, its inverse, and the symmetry of hidden units."""

from __future__ import annotations

import pytest
import torch

from t2w.adapters import Adapter, AdapterSpec, flatten, permute, unflatten
from t2w.errors import T2WError

SPEC = AdapterSpec(in_features=7, hidden=5, out_features=6, logit_scale=20.0)


def vectors(*lead: int) -> torch.Tensor:
    return torch.randn(*lead, SPEC.size, generator=torch.Generator().manual_seed(0))


def test_the_papers_adapter_has_16912_numbers() -> None:
    assert AdapterSpec(512, 16, 512, 100.0).size == 16912
    assert AdapterSpec(512, 16, 384, 20.0).size == 14736


def test_layout_is_the_order_of_a_modules_state() -> None:
    state = Adapter(SPEC).state_dict()
    assert [(name, tuple(value.shape)) for name, value in state.items()] == list(SPEC.layout)


def test_vectors_are_row_major() -> None:
    part = unflatten(SPEC, torch.arange(SPEC.size))
    assert part["linear1.weight"][1, 2] == 1 * 7 + 2
    assert part["linear1.bias"][0] == 5 * 7
    assert part["linear2.weight"][2, 3] == 5 * 7 + 5 + 2 * 5 + 3
    assert part["linear2.bias"][-1] == SPEC.size - 1


def test_flatten_inverts_unflatten() -> None:
    vector = vectors()
    assert torch.equal(flatten(SPEC, unflatten(SPEC, vector)), vector)


def test_unflatten_keeps_leading_dimensions_and_shares_memory() -> None:
    batch = vectors(2, 3)
    part = unflatten(SPEC, batch)
    assert {name: tuple(value.shape[:2]) for name, value in part.items()} == {name: (2, 3) for name, _ in SPEC.layout}
    for name, value in unflatten(SPEC, batch[1, 2]).items():
        assert torch.equal(part[name][1, 2], value)
    part["linear1.bias"].zero_()
    assert batch[..., 35:40].abs().sum() == 0


@pytest.mark.parametrize("size", [0, SPEC.size - 1, SPEC.size + 1])
def test_a_vector_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(T2WError, match=rf"{size} numbers; expected {SPEC.size}"):
        unflatten(SPEC, torch.zeros(size))


def test_a_state_of_another_shape_is_refused() -> None:
    state = Adapter(AdapterSpec(7, 4, 6, 20.0)).state_dict()
    with pytest.raises(T2WError, match="expected"):
        flatten(SPEC, state)


def test_permuting_hidden_units_leaves_the_function_unchanged() -> None:
    vector, p = vectors().double(), torch.tensor([3, 0, 4, 1, 2])
    x = torch.randn(11, 7, dtype=torch.float64)
    before, after = (Adapter.from_vector(SPEC, v)(x) for v in (vector, permute(SPEC, vector, p)))
    assert not torch.equal(vector, permute(SPEC, vector, p))
    torch.testing.assert_close(after, before, rtol=1e-12, atol=1e-12)


def test_permutations_compose_and_invert() -> None:
    batch, p, q = vectors(4), torch.tensor([3, 0, 4, 1, 2]), torch.tensor([1, 2, 0, 4, 3])
    assert torch.equal(permute(SPEC, permute(SPEC, batch, p), q), permute(SPEC, batch, p[q]))
    assert torch.equal(permute(SPEC, permute(SPEC, batch, p), p.argsort()), batch)
    assert torch.equal(permute(SPEC, batch, p)[2], permute(SPEC, batch[2], p))


@pytest.mark.parametrize("wrong", [[0, 1, 2, 3], [0, 1, 2, 3, 3], [1, 2, 3, 4, 5]])
def test_what_is_no_permutation_is_refused(wrong: list[int]) -> None:
    with pytest.raises(T2WError, match="exactly once"):
        permute(SPEC, vectors(), torch.tensor(wrong))


def test_dict_round_trip() -> None:
    assert AdapterSpec.from_dict(SPEC.to_dict()) == SPEC
    with pytest.raises(T2WError, match="hiden"):
        AdapterSpec.from_dict({"in_features": 1, "hiden": 2, "out_features": 3, "logit_scale": 1.0})


@pytest.mark.parametrize("change", [{"hidden": 0}, {"in_features": -1}, {"out_features": 2.0}, {"logit_scale": 0.0}])
def test_impossible_sizes_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(T2WError, match=next(iter(change))):
        AdapterSpec(**{**SPEC.to_dict(), **change})
