from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from t2w.concepts import TextMap
from t2w.errors import T2WError


def units(*shape: int, seed: int) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


@pytest.fixture
def known() -> TextMap:
    return TextMap(units(12, 6, seed=0), units(12, 9, seed=1))


def test_leaving_one_out_is_fitting_without_it(known: TextMap) -> None:
    others = known.leave_one_out()
    for i in range(len(known.text)):
        rest = torch.arange(len(known.text)) != i
        says = known.of(rest).predict(known.text[i : i + 1])
        assert_close(others.rows[i : i + 1], says.rows, atol=1e-4, rtol=1e-4)
        assert_close(others.variance[i : i + 1], says.variance, atol=1e-4, rtol=1e-4)


def test_variance_is_small_at_known_texts_and_large_far_away(known: TextMap) -> None:
    near, far = known.predict(known.text).variance, known.predict(-known.text.mean(0, keepdim=True).expand(1, -1))
    assert float(near.max()) < 0.1
    assert float(far.variance) > float(near.max())
    assert float(near.min()) >= 0


def test_without_noise_known_rows_are_given_back() -> None:
    text, rows = units(8, 16, seed=2), units(8, 5, seed=3)
    assert_close(TextMap(text, rows, noise=1e-6).predict(text).rows, rows, atol=1e-3, rtol=1e-3)


def test_too_little_to_learn_from() -> None:
    with pytest.raises(T2WError, match="map of 1 texts and 1 rows; expected at least two"):
        TextMap(units(1, 4, seed=0), units(1, 4, seed=0))
