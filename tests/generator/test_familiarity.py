"""Texts unlike those a generator was trained with get an answer nearer to base."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from generator_parts import random
from torch.testing import assert_close

from t2w.errors import T2WError
from t2w.files import load_tensors, save_tensors
from t2w.generator import Generator, build_network, condition_of, distance_to_known, share_kept

TEXT = torch.nn.functional.normalize(random(9, 7), dim=-1)
KNOWN = TEXT[:6]


@pytest.fixture
def knowing(generator: Generator) -> Generator:
    return Generator(generator.network, generator.normalizer, generator.provenance, KNOWN)


def test_distance_is_the_mean_over_classes_to_the_nearest_text() -> None:
    condition = condition_of(TEXT, [[0, 1, 2, 5], [3, 7], [8, 6]])
    distance = distance_to_known(condition, 3 * KNOWN)  # lengths do not matter
    new = {i: 1 - float((TEXT[i] @ KNOWN.T).max()) for i in (6, 7, 8)}
    assert distance.tolist() == pytest.approx([0.0, new[7] / 2, (new[8] + new[6]) / 2], abs=1e-6)
    assert distance[0] == 0  # exactly: what is known is not touched


def test_share_falls_from_all_to_nothing() -> None:
    assert share_kept(torch.tensor([0.0, 0.25, 0.5, 2.0]), 0.5).tolist() == [1.0, 0.5, 0.0, 0.0]


def test_known_tasks_are_answered_as_before_and_new_ones_nearer_to_base(knowing: Generator) -> None:
    condition = knowing.condition(TEXT, [[0, 1, 2], [3, 7, 4], [8, 6]])
    plain = knowing.generate(condition, steps=2)
    kept = share_kept(distance_to_known(condition, KNOWN), 1.0)[:, None]
    assert 0 < kept[1] < 1
    drawn = knowing.generate(condition, steps=2, fallback_distance=1.0)
    base = knowing.normalizer.base
    assert torch.equal(drawn[0], plain[0])
    assert_close(drawn, base + kept * (plain - base))
    far = knowing.generate(condition, steps=2, fallback_distance=1e-4)
    assert torch.equal(far[2], base)
    path, *_ = knowing.trajectory(condition, steps=2, fallback_distance=1.0)
    assert_close(path[-1], drawn)


def test_a_file_keeps_the_known_texts(knowing: Generator, tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    knowing.save(path)
    again = Generator.load(path)
    assert again.known is not None
    assert torch.equal(again.known, KNOWN)
    tensors, metadata = load_tensors(path)
    for wrong in (torch.zeros(6, 5), torch.tensor(1.0)):
        save_tensors(path, tensors | {"known_text": wrong}, metadata)
        with pytest.raises(T2WError, match="tensor known_text is"):
            Generator.load(path)
    del tensors["known_text"]
    save_tensors(path, tensors, metadata | {"version": 2})  # as files were before
    assert Generator.load(path).known is None


@pytest.mark.parametrize("distance", [0.0, -1.0])
def test_a_fallback_distance_is_above_0(knowing: Generator, distance: float) -> None:
    with pytest.raises(T2WError, match="expected above 0"):
        knowing.generate(knowing.condition(TEXT), fallback_distance=distance)


def test_a_generator_that_does_not_know_takes_no_reach(generator: Generator, knowing: Generator) -> None:
    pooled = Generator(build_network(replace(generator.config, conditioning="pooled")), generator.normalizer, {}, KNOWN)
    for without in (generator, pooled):
        with pytest.raises(T2WError, match=r"takes no fallback distance.*leave diffusion.fallback_distance at null"):
            without.generate(without.condition(TEXT), fallback_distance=1.0)
