from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from generator_parts import SPEC, random
from torch.testing import assert_close

from t2w.diffusion import SAMPLERS
from t2w.errors import T2WError
from t2w.files import load_tensors, save_tensors
from t2w.generator import Condition, Generator, build_network, condition_of


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_generates_one_vector_per_condition(generator: Generator, condition: Condition, sampler: str) -> None:
    vectors = generator.generate(condition, sampler=sampler, steps=4)
    assert vectors.shape == (3, SPEC.size)
    assert vectors.dtype == torch.float32
    assert torch.equal(vectors, generator.generate(condition, sampler=sampler, steps=4))
    assert not torch.equal(vectors, generator.generate(condition, sampler=sampler, steps=4, seed=1))


def test_one_step_is_the_denormalised_prediction_from_noise(generator: Generator, condition: Condition) -> None:
    seen: list[torch.Tensor] = []
    handle = generator.network.register_forward_hook(lambda _m, _i, out: seen.append(out))
    vectors = generator.generate(condition, steps=1)
    handle.remove()
    assert len(seen) == 1
    assert_close(vectors, generator.normalizer.denormalize(seen[0]))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_rows_do_not_depend_on_the_others(generator: Generator, condition: Condition, sampler: str) -> None:
    whole = generator.generate(condition, sampler=sampler, steps=4)
    for others in ([0, 1], [0, 1, 0]):  # fewer of them, and another one in the last place
        part = generator.generate(condition.rows(others), sampler=sampler, steps=4)
        assert_close(part[:2], whole[:2], atol=1e-5, rtol=1e-5)


def test_many_conditions_go_in_batches(generator: Generator) -> None:
    text = random(9, 7)
    tasks = [[i % 9, (i + 1) % 9] for i in range(70)]
    done: list[int] = []
    vectors = generator.generate(generator.condition(text, tasks), steps=2, progress=done.append)
    assert vectors.shape == (70, SPEC.size)
    assert sum(done) == 70
    head = generator.generate(generator.condition(text, tasks[:5]), steps=2)
    assert_close(vectors[:5], head, atol=1e-5, rtol=1e-5)


def test_trajectory_ends_where_generate_does(generator: Generator, condition: Condition) -> None:
    path, _, timesteps = generator.trajectory(condition, steps=5, seed=2)
    assert path.shape == (5, 3, SPEC.size)
    assert len(timesteps) == 5
    assert_close(path[-1], generator.generate(condition, steps=5, seed=2))


def test_condition_follows_the_config(generator: Generator) -> None:
    text = random(9, 7)
    assert_close(generator.condition(text, [[1, 2]]).tokens, condition_of(text, [[1, 2]]).tokens)
    pooled = Generator(build_network(replace(generator.config, conditioning="pooled")), generator.normalizer)
    assert pooled.condition(text, [[1, 2]]).tokens.shape == (1, 1, 7)


def test_saved_and_loaded_is_the_same_generator(generator: Generator, condition: Condition, tmp_path: Path) -> None:
    generator.save(tmp_path / "g.safetensors")
    again = Generator.load(tmp_path / "g.safetensors")
    assert again.config == generator.config
    assert again.provenance == generator.provenance
    assert torch.equal(again.generate(condition), generator.generate(condition))
    assert [p.name for p in tmp_path.iterdir()] == ["g.safetensors"]


def _altered(path: Path, **metadata: object) -> None:
    tensors, stored = load_tensors(path)
    save_tensors(path, tensors, {**stored, **metadata})


def test_damaged_and_foreign_files_are_refused(generator: Generator, tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    with pytest.raises(T2WError, match="a generator saved by t2w"):
        Generator.load(path)
    generator.save(path)
    whole = path.read_bytes()
    for size in (0, 5, 100, len(whole) - 10):
        path.write_bytes(whole[:size])
        with pytest.raises(T2WError, match="damaged"):
            Generator.load(path)
    save_tensors(path, {"x": torch.zeros(2)}, {"format": "t2w-adapter"})
    with pytest.raises(T2WError, match="holds 't2w-adapter'; expected a generator"):
        Generator.load(path)
    path.write_bytes(whole)
    _altered(path, version=99)
    with pytest.raises(T2WError, match="format 99"):
        Generator.load(path)


def test_a_config_that_does_not_fit_the_tensors_is_refused(generator: Generator, tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    generator.save(path)
    _altered(path, config=replace(generator.config, n_embd=32).to_dict())
    with pytest.raises(T2WError, match=r"tensor network\..* is \(.*\); expected \(.*\) by the config"):
        Generator.load(path)
    _altered(path, config={"n_embd": 32})
    with pytest.raises(T2WError, match=r"generator\.spec is missing"):
        Generator.load(path)
