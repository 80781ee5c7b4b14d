"""Without places, unit tokens make the network equivariant: renumber the units of x_t, and those of x_0 follow."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from generator_parts import SPEC, random
from torch.testing import assert_close

from t2w.adapters import permute
from t2w.generator import Condition, GeneratorConfig, WeightTransformer, build_network, condition_of

ORDER, T = torch.tensor([2, 0, 1]), torch.tensor([600, 300, 50])


def network(config: GeneratorConfig) -> WeightTransformer:
    """Untrained, but with every weight drawn: nothing is zero, or the same, by accident."""
    built = build_network(config, seed=1)
    assert isinstance(built, WeightTransformer)
    with torch.no_grad():
        for i, parameter in enumerate(built.parameters()):
            parameter.copy_(0.3 * random(*parameter.shape, seed=i))
    return built.eval()


def gap(config: GeneratorConfig, condition: Condition) -> float:
    """How far the answer to renumbered weights is from the renumbered answer."""
    built, x_t = network(config), random(3, SPEC.size)
    with torch.no_grad():
        after = permute(SPEC, built(x_t, T, condition), ORDER)
        return float((built(permute(SPEC, x_t, ORDER), T, condition) - after).abs().max())


def test_equivariant_without_places(config: GeneratorConfig, condition: Condition) -> None:
    assert gap(replace(config, position=False, tokenizer="unit"), condition) < 1e-5


@pytest.mark.parametrize(("position", "tokenizer"), [(True, "unit"), (True, "chunk"), (False, "chunk")])
def test_not_otherwise(config: GeneratorConfig, condition: Condition, position: bool, tokenizer: str) -> None:
    assert gap(replace(config, position=position, tokenizer=tokenizer), condition) > 0.01


def test_units_that_are_alike_stay_alike(config: GeneratorConfig, condition: Condition) -> None:
    """What an equivariant network cannot do: tell apart what nothing tells apart."""
    built = network(replace(config, position=False))
    units = built(torch.zeros(3, SPEC.size), T, condition)[:, : SPEC.hidden * SPEC.in_features]
    rows = units.unflatten(1, (SPEC.hidden, SPEC.in_features))
    assert_close(rows[:, 0], rows[:, 1], atol=1e-5, rtol=1e-5)


def test_shared_projections_have_fewer_parameters_and_all_learn(config: GeneratorConfig, condition: Condition) -> None:
    with_places, without = build_network(config), network(replace(config, position=False))
    assert without.position.shape[0] == 2  # a unit, an output bias
    assert [tuple(p.shape[:1]) for p in without.weights.embed] == [(1,), (1,)]
    assert sum(p.numel() for p in without.parameters()) < sum(p.numel() for p in with_places.parameters())
    without(random(3, SPEC.size), T, condition).square().sum().backward()
    assert [name for name, p in without.named_parameters() if p.grad is None or p.grad.abs().max() == 0] == []


def test_both_is_the_pooled_text_and_one_of_each_class(config: GeneratorConfig) -> None:
    text, tasks = random(9, 7), [[0, 1, 2], [5, 3]]
    both, classes, pooled = (condition_of(text, tasks, conditioning=c) for c in ("both", "classes", "pooled"))
    assert both.mask.sum(dim=1).tolist() == [4, 3]
    assert_close(both.tokens[:, :1], pooled.tokens)
    assert_close(both.tokens[:, 1:], classes.tokens)
    assert build_network(replace(config, conditioning="both"))(random(2, SPEC.size), T[:2], both).shape == (
        2,
        SPEC.size,
    )
