"""Texts blurred and left out: the laws of `with_noise` and `without_text`."""

from __future__ import annotations

import torch
from generator_parts import random
from torch.testing import assert_close

from t2w.generator import Generator, condition_of, with_noise, without_text

CONDITION = condition_of(random(9, 7), [[0, 1, 2], [5, 3], [8, 7, 6, 4]])


def test_level_zero_leaves_the_texts() -> None:
    found = with_noise(CONDITION, torch.zeros(3), random(3, 4, 7, seed=1))
    assert_close(found.tokens, CONDITION.tokens)
    assert torch.equal(found.mask, CONDITION.mask)


def test_lengths_are_kept_and_padding_stays_zero() -> None:
    found = with_noise(CONDITION, torch.tensor([0.3, 1.0, 5.0]), random(3, 4, 7, seed=1))
    assert_close(found.tokens.norm(dim=-1), CONDITION.tokens.norm(dim=-1))
    assert found.tokens[~CONDITION.mask].abs().max() == 0
    assert not torch.equal(found.tokens, CONDITION.tokens)


def test_level_one_is_a_cosine_of_seven_tenths() -> None:
    tokens = condition_of(random(1, 512), [[0]] * 200)
    for level in (0.5, 1.0, 2.0):
        found = with_noise(tokens, torch.full((200,), level), random(200, 1, 512, seed=2)).tokens
        cosine = torch.nn.functional.cosine_similarity(found, tokens.tokens, dim=-1).mean()
        assert_close(cosine, torch.tensor((1 + level**2) ** -0.5), atol=0.01, rtol=0)


def test_every_task_has_its_own_level() -> None:
    noise = random(3, 4, 7, seed=1)
    together = with_noise(CONDITION, torch.tensor([0.0, 0.7, 0.0]), noise).tokens
    assert_close(together[[0, 2]], CONDITION.tokens[[0, 2]])
    assert_close(together[1], with_noise(CONDITION, torch.full((3,), 0.7), noise).tokens[1])


def test_without_text_is_one_token_of_zeros() -> None:
    found = without_text(CONDITION, torch.tensor([False, True, True]))
    assert found.mask.tolist() == [CONDITION.mask[0].tolist(), *[[True, False, False, False]] * 2]
    assert found.tokens[1:].abs().max() == 0
    assert torch.equal(found.tokens[0], CONDITION.tokens[0])


def test_without_text_the_classes_do_not_matter(generator: Generator) -> None:
    x_t, t, dropped = (
        random(3, generator.config.spec.size),
        torch.tensor([900, 50, 400]),
        torch.ones(3, dtype=torch.bool),
    )
    other = condition_of(random(9, 7, seed=5), [[1], [2, 3, 4, 5, 6], [0, 8]])
    one, two = (generator.network(x_t, t, without_text(c, dropped)) for c in (CONDITION, other))
    assert_close(one, two, atol=1e-5, rtol=1e-5)
