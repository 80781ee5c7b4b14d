from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from t2w.errors import T2WError
from t2w.generator import condition_of, prior_attention

TEXT = torch.nn.functional.normalize(torch.randn(6, 4, generator=torch.Generator().manual_seed(0)), dim=1)


def test_one_token_per_class_padded_with_zeros() -> None:
    condition = condition_of(TEXT, [[4, 1], [0, 2, 5]])
    assert condition.mask.tolist() == [[True, True, False], [True, True, True]]
    assert_close(condition.tokens[0, :2], TEXT[[4, 1]])
    assert condition.tokens[0, 2].abs().max() == 0
    assert_close(condition.tokens[1], TEXT[[0, 2, 5]])


def test_no_tasks_given_means_one_of_all_classes() -> None:
    assert_close(condition_of(TEXT).tokens, TEXT[None])


def test_rows_drop_padding_that_no_row_needs() -> None:
    condition = condition_of(TEXT, [[0, 1], [0, 1, 2, 3], [5]])
    assert condition.rows([0, 2]).tokens.shape == (2, 2, 4)
    assert condition.rows(slice(1, 2)).tokens.shape == (1, 4, 4)
    assert_close(condition.rows(torch.tensor([2])).tokens[0, 0], TEXT[5])


def test_prior_attention_by_hand() -> None:
    e = TEXT[:3]
    g = e.mean(dim=0)
    scores = torch.stack([torch.dot(x, g) / (x.norm() * g.norm()) for x in e])
    weights = scores.exp() / scores.exp().sum()
    assert_close(prior_attention(e), weights[0] * e[0] + weights[1] * e[1] + weights[2] * e[2])


def test_pooled_is_one_token_whatever_the_order() -> None:
    one, other = (condition_of(TEXT, [task], conditioning="pooled") for task in ([0, 3, 4], [4, 0, 3]))
    assert one.tokens.shape == (1, 1, 4)
    assert_close(one.tokens, other.tokens)
    assert_close(condition_of(TEXT, [[2]], conditioning="pooled").tokens[0, 0], TEXT[2])


@pytest.mark.parametrize(
    ("tasks", "said"), [([], "no tasks"), ([[1], []], "without classes"), ([[6]], "0 to 5"), ([[-1]], "0 to 5")]
)
def test_bad_tasks_are_refused(tasks: list[list[int]], said: str) -> None:
    with pytest.raises(T2WError, match=said):
        condition_of(TEXT, tasks)
