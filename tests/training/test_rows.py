"""The training adapters as the loop reads them, their hidden units renumbered on the way if asked for."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close
from training_parts import AS_IS, SPEC, Setup, train

from t2w.adapters import Adapter, permute
from t2w.errors import T2WError
from t2w.generator import Normalizer
from t2w.training.batches import permutations
from t2w.training.rows import WeightRows

CPU = torch.device("cpu")
VECTORS = torch.randn(9, SPEC.size, generator=torch.Generator().manual_seed(0))
NORMALIZER = Normalizer.fit(torch.ones(SPEC.size), VECTORS)
TASKS = torch.tensor([4, 0, 8, 4])


def test_read_normalises_what_was_trained_and_nothing_else() -> None:
    assert torch.equal(WeightRows(SPEC, VECTORS, AS_IS, CPU).read(TASKS), VECTORS[TASKS])
    assert_close(WeightRows(SPEC, VECTORS, NORMALIZER, CPU).read(TASKS), NORMALIZER.normalize(VECTORS[TASKS]))


@pytest.mark.parametrize("normalizer", [AS_IS, NORMALIZER])
def test_an_order_renumbers_the_units_of_every_row_before_it_is_normalised(normalizer: Normalizer) -> None:
    order = permutations(0, 3, batch_size=4, hidden=SPEC.hidden)
    found = WeightRows(SPEC, VECTORS, normalizer, CPU).read(TASKS, order)
    for row, task, own in zip(found, TASKS, order, strict=True):
        assert torch.equal(row, normalizer.normalize(permute(SPEC, VECTORS[task], own)))


def test_a_renumbered_adapter_is_the_same_function() -> None:
    order = torch.tensor([[2, 0, 1]])
    x = torch.randn(5, SPEC.in_features)
    moved = WeightRows(SPEC, VECTORS, AS_IS, CPU).read(TASKS[:1], order)[0]
    assert not torch.equal(moved, VECTORS[4])
    assert_close(Adapter.from_vector(SPEC, moved)(x), Adapter.from_vector(SPEC, VECTORS[4])(x))


def test_orders_are_each_equally_likely_and_of_the_step_alone() -> None:
    found = torch.cat([permutations(0, step, batch_size=20, hidden=3) for step in range(60)])
    assert bool((found.sort(dim=1).values == torch.arange(3)).all())
    counts = (found * torch.tensor([9, 3, 1])).sum(dim=1).bincount()
    assert (counts > 0).sum() == 6
    assert int(counts[counts > 0].min()) > 140  # of 200
    assert torch.equal(found[20:40], permutations(0, 1, batch_size=20, hidden=3))
    assert not torch.equal(found[20:40], permutations(1, 1, batch_size=20, hidden=3))


def test_permutation_is_off_unless_asked_for(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    real = WeightRows.read

    def read(self: WeightRows, tasks: torch.Tensor, order: torch.Tensor | None, *rest: object) -> torch.Tensor:
        seen.append(order is not None)
        return real(self, tasks, order, *rest)

    monkeypatch.setattr(WeightRows, "read", read)
    train(setup, steps=2)
    train(setup, steps=2, permutation=True)
    assert seen == [False, False, True, True]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_name_the_first_adapter(value: float) -> None:
    vectors = VECTORS.repeat(200, 1)  # more than are looked at together
    vectors[1500, 3] = vectors[1700, 0] = value
    with pytest.raises(T2WError, match="training vector 1500; expected finite weights"):
        WeightRows(SPEC, vectors, AS_IS, CPU)


@pytest.mark.parametrize("vectors", [VECTORS[:, 1:], VECTORS[0]])
def test_adapters_of_another_size_are_refused(vectors: torch.Tensor) -> None:
    with pytest.raises(T2WError, match=rf"expected \(tasks, {SPEC.size}\)"):
        WeightRows(SPEC, vectors, AS_IS, CPU)
