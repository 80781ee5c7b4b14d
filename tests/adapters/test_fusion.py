"""Laws of making one adapter of several."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from t2w import T2WError
from t2w.adapters import Adapter, AdapterSpec, class_codes, to_units, to_vector, unit_spec
from t2w.adapters.fusion import UnitPart, fuse_units, text_of, unit_per_class
from t2w.adapters.units import Units, start

SPEC = AdapterSpec(in_features=10, hidden=6, out_features=8, logit_scale=10.0)
ONE = AdapterSpec(in_features=10, hidden=1, out_features=8, logit_scale=10.0)


def unit(seed: int, *shape: int) -> Tensor:
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def begin(rows: Tensor, text: Tensor) -> Tensor:
    return to_vector(start(rows[None], text[None], torch.ones(1, len(rows), dtype=torch.bool), gain=0.7))[0]


def part(rows: Tensor, text: Tensor, classes: list[int], noise: float = 0.0) -> UnitPart:
    """The adapter of some of the classes, so far from its start."""
    spec = unit_spec(ONE, len(classes))
    vector = begin(rows[classes], text[classes])
    vector = vector + noise * torch.randn(vector.shape, generator=torch.Generator().manual_seed(len(classes)))
    return UnitPart(spec, vector, class_codes(text[classes]), classes)


@pytest.mark.parametrize("several", [[[0, 1, 2], [3, 4]], [[3, 0], [1, 4], [2]], [[0, 1, 2, 3], [2, 3, 4]]])
def test_starts_fuse_to_the_start_of_the_union(several: list[list[int]]) -> None:
    rows, text = unit(0, 5, 10), unit(1, 5, 8)
    fused = fuse_units([part(rows, text, classes) for classes in several], text)
    torch.testing.assert_close(fused, begin(rows, text), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("first", "second"), [(200, 100), (270, 3)])
def test_more_classes_than_texts_alone_can_tell_apart(first: int, second: int) -> None:
    rows, text = unit(0, first + second, 10), unit(1, first + second, 8)
    halves = [list(range(first)), list(range(first, first + second))]
    fused = fuse_units([part(rows, text, classes) for classes in halves], text)
    torch.testing.assert_close(fused, begin(rows, text), atol=1e-4, rtol=0)
    torch.testing.assert_close(text_of(class_codes(text)), text)


def test_what_was_learnt_is_said_of_each_class_as_before() -> None:
    """Also where the union has codes of another kind than its parts."""
    rows, text = unit(0, 300, 10), unit(1, 300, 8)
    halves = [list(range(40)), list(range(40, 300))]
    plain, moved = (fuse_units([part(rows, text, c, noise) for c in halves], text) for noise in (0.0, 0.01))
    spec = unit_spec(ONE, 300)
    learnt = to_units(spec, (moved - plain)[None]).units[0, :40, 11:]
    first = part(rows, text, halves[0], 0.01)
    before = to_units(first.spec, (first.vector - begin(rows[:40], text[:40]))[None]).units[0, :, 11:]
    torch.testing.assert_close(class_codes(text)[:40] @ learnt.T, text[:40] @ before.T, atol=1e-5, rtol=0)


def test_incoming_weights_stay_and_a_shared_class_has_the_mean() -> None:
    rows, text = unit(0, 4, 10), unit(1, 4, 8)
    a, b = part(rows, text, [0, 1, 2], 0.05), part(rows, text, [2, 3], 0.05)
    fused = to_units(unit_spec(ONE, 4), fuse_units([a, b], text)[None]).units[0, :, :11]
    ours, theirs = (to_units(p.spec, p.vector[None]).units[0, :, :11] for p in (a, b))
    torch.testing.assert_close(fused[[0, 1, 3]], torch.stack([ours[0], ours[1], theirs[1]]))
    both = torch.stack([ours[2], theirs[0]])
    torch.testing.assert_close(F.normalize(fused[2, :10], dim=0), F.normalize(both[:, :10].sum(0), dim=0))
    torch.testing.assert_close(fused[2, :10].norm(), both[:, :10].norm(dim=1).mean())
    torch.testing.assert_close(fused[2, 10], both[:, 10].mean())


def test_the_order_of_the_parts_changes_nothing() -> None:
    rows, text = unit(0, 5, 10), unit(1, 5, 8)
    parts = [part(rows, text, [0, 1, 2], 0.05), part(rows, text, [4, 3], 0.05)]
    torch.testing.assert_close(fuse_units(parts, text), fuse_units(parts[::-1], text))
    alone = part(rows, text, [0, 1, 2], 0.05)
    torch.testing.assert_close(fuse_units([alone], text[:3]), alone.vector)
    torch.testing.assert_close(fuse_units([alone, alone], text[:3]), alone.vector)


def test_the_fused_adapter_answers_for_all_classes() -> None:
    rows, text = unit(0, 6, 10), unit(1, 6, 8)
    fused = fuse_units([part(rows, text, [0, 1, 2]), part(rows, text, [3, 4, 5])], text)
    answers = Adapter.from_vector(unit_spec(ONE, 6), fused).logits(8 * rows, text).argmax(1)
    assert answers.tolist() == [0, 1, 2, 3, 4, 5]


def test_units_that_are_not_of_classes_are_refused() -> None:
    rows, text = unit(0, 4, 10), unit(1, 4, 8)
    good = part(rows, text, [0, 1, 2, 3])
    assert unit_per_class(good.spec, good.vector, good.codes)
    turned = to_units(good.spec, good.vector[None])
    turned = Units(turned.units[:, [1, 0, 2, 3]], turned.bias)
    bad = UnitPart(good.spec, to_vector(turned)[0], good.codes, good.classes)
    assert not unit_per_class(bad.spec, bad.vector, bad.codes)
    assert not unit_per_class(SPEC, torch.randn(SPEC.size), text)
    with pytest.raises(T2WError, match="without one hidden unit per class"):
        fuse_units([good, bad], text)
