from __future__ import annotations

import pytest
import torch
from generator_parts import SPEC, random
from torch.testing import assert_close

from t2w.adapters import AdapterSpec, permute, unflatten
from t2w.generator import WeightTokens, chunk_tables, unit_tables

TABLES = {"unit": unit_tables(SPEC), "chunk": chunk_tables(SPEC, 4)}


@pytest.mark.parametrize("tokenizer", list(TABLES))
def test_tables_name_every_position_exactly_once(tokenizer: str) -> None:
    positions = torch.cat([table.flatten() for table in TABLES[tokenizer]])
    assert positions.sort().values.tolist() == list(range(SPEC.size))


def test_a_unit_is_its_row_its_bias_and_its_column() -> None:
    vector = random(SPEC.size)
    part, units = unflatten(SPEC, vector), vector[unit_tables(SPEC)[0]]
    for j in range(SPEC.hidden):
        expected = [part["linear1.weight"][j], part["linear1.bias"][j, None], part["linear2.weight"][:, j]]
        assert_close(units[j], torch.cat(expected))
    assert_close(vector[unit_tables(SPEC)[1]][0], part["linear2.bias"])


def test_permuting_hidden_units_permutes_unit_tokens() -> None:
    vector, order = random(SPEC.size), torch.tensor([2, 0, 1])
    units, bias = unit_tables(SPEC)
    permuted = permute(SPEC, vector, order)
    assert_close(permuted[units], vector[units][order])
    assert_close(permuted[bias], vector[bias])


def test_chunks_are_the_sizes_of_the_reference() -> None:
    # 512-16-512 in chunks of 576 within layers: 14 of 576 and 128, 16, 14 of 576 and 128, 512; 32 tokens.
    tables = chunk_tables(AdapterSpec(512, 16, 512, 100.0), 576)
    assert {(len(table), table.shape[1]) for table in tables} == {(28, 576), (2, 128), (1, 16), (1, 512)}
    for table in tables:
        assert bool((table.diff(dim=1) == 1).all())  # consecutive within a chunk


@pytest.mark.parametrize("tokenizer", list(TABLES))
def test_decoding_inverts_encoding_where_the_projections_are_inverse(tokenizer: str) -> None:
    wide = max(table.shape[1] for table in TABLES[tokenizer])
    tokens = WeightTokens(TABLES[tokenizer], wide)
    with torch.no_grad():
        for embed, head in zip(tokens.embed, tokens.head, strict=True):
            eye = torch.eye(embed.shape[1], wide)
            embed.copy_(eye.expand_as(embed))
            head.copy_(eye.T.expand_as(head))
    x = random(4, SPEC.size)
    assert tokens.encode(x).shape == (4, tokens.count, wide)
    assert_close(tokens.decode(tokens.encode(x)), x)
