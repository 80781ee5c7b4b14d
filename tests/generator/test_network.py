from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from generator_parts import SPEC, random
from torch.testing import assert_close

from t2w.errors import T2WError
from t2w.generator import (
    CONFIGS,
    Condition,
    Generator,
    GeneratorConfig,
    Normalizer,
    build_network,
    condition_of,
    config_from_dict,
)

T = torch.tensor([999, 400, 0])


def test_the_first_prediction_is_the_mean_where_x_t_is_noise(config: GeneratorConfig, condition: Condition) -> None:
    # In normalised space the mean of the training adapters is zero; before training nothing else is known.
    network = build_network(config)
    x_0 = network(random(3, SPEC.size), torch.tensor([999, 999, 999]), condition)
    assert x_0.abs().max() < 0.01


def test_the_last_timestep_believes_x_t(generator: Generator, condition: Condition) -> None:
    x_t = random(3, SPEC.size)
    error = (generator.network(x_t, torch.tensor([0, 0, 0]), condition) - x_t).abs().max()
    assert error < 0.05


def test_optimal_for_gaussian_data_before_training(config: GeneratorConfig, condition: Condition) -> None:
    # With no text effect (m = 0) and data N(0, residual^2), the initial network is the best denoiser, in closed form.
    network = build_network(replace(config, residual=0.7))
    bar = network.alpha_bar[T][:, None]
    x_t = random(3, SPEC.size)
    assert_close(network(x_t, T, condition), bar.sqrt() * 0.49 / (bar * 0.49 + 1 - bar) * x_t)


def test_the_order_of_class_tokens_does_not_matter(generator: Generator) -> None:
    text, x_t, t = random(9, 7), random(1, SPEC.size), torch.tensor([700])
    one, other = (generator.network(x_t, t, condition_of(text, [task])) for task in ([0, 4, 2, 7], [7, 2, 0, 4]))
    assert_close(one, other, atol=1e-5, rtol=1e-5)
    different = generator.network(x_t, t, condition_of(text, [[0, 4, 2, 8]]))
    assert (one - different).abs().max() > 1e-3


@pytest.mark.parametrize("conditioning", ["classes", "pooled"])
@pytest.mark.parametrize("tokenizer", ["unit", "chunk"])
def test_padding_does_not_matter(config: GeneratorConfig, tokenizer: str, conditioning: str) -> None:
    network = build_network(replace(config, tokenizer=tokenizer, conditioning=conditioning), seed=1)
    with torch.no_grad():
        for parameter in network.weights.head:
            parameter.copy_(random(*parameter.shape, seed=2))
    text, tasks = random(9, 7), [[0, 1], [2, 3, 4, 5, 6], [7, 8, 1]]
    x_t = random(3, SPEC.size)
    together = network(x_t, T, condition_of(text, tasks, conditioning=conditioning))
    for i, task in enumerate(tasks):
        alone = network(x_t[i : i + 1], T[i : i + 1], condition_of(text, [task], conditioning=conditioning))
        assert_close(alone[0], together[i], atol=1e-5, rtol=1e-5)
    garbage = condition_of(text, tasks, conditioning=conditioning)
    filled = torch.where(garbage.mask[..., None], garbage.tokens, torch.full_like(garbage.tokens, 50.0))
    assert_close(network(x_t, T, Condition(filled, garbage.mask)), together, atol=1e-5, rtol=1e-5)


def test_every_parameter_learns(generator: Generator, condition: Condition) -> None:
    generator.network(random(3, SPEC.size), T, condition).square().sum().backward()
    still = [name for name, p in generator.network.named_parameters() if p.grad is None or p.grad.abs().max() == 0]
    assert still == []


def test_initial_weights_depend_on_the_seed_alone(config: GeneratorConfig) -> None:
    before = torch.get_rng_state()
    one, two, other = (build_network(config, seed=s).state_dict() for s in (0, 0, 1))
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert not torch.equal(one["position"], other["position"])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"n_embd": 18, "n_head": 4}, "multiple of generator.n_head = 4"),
        ({"n_layer": 0}, "generator.n_layer is 0"),
        ({"tokenizer": "units"}, "did you mean 'unit'"),
        ({"conditioning": "class"}, "did you mean 'classes'"),
        ({"residual": 0.0}, "residual is 0.0"),
    ],
)
def test_bad_configs_are_refused(config: GeneratorConfig, change: dict[str, object], said: str) -> None:
    with pytest.raises(T2WError, match=said):
        replace(config, **change)


def test_configs_survive_their_dict(config: GeneratorConfig) -> None:
    assert GeneratorConfig.from_dict(config.to_dict()) == config
    with pytest.raises(T2WError, match=r"no key 'generator.colour'"):
        GeneratorConfig.from_dict({**config.to_dict(), "colour": 1})


def test_a_network_is_built_of_any_kind() -> None:
    for kind in CONFIGS.values():
        config = kind(SPEC, SPEC.out_features, n_layer=1)
        assert build_network(config_from_dict(config.to_dict())).config == config
    with pytest.raises(T2WError, match="kind 'smal'; expected one of t2w, reference, units"):
        config_from_dict({"kind": "smal"})


def test_inputs_that_do_not_fit_are_refused(generator: Generator, condition: Condition) -> None:
    network, x = generator.network, random(3, SPEC.size)
    with pytest.raises(
        T2WError, match=r"text embeddings of 8 numbers; expected 7.*encoders the generator was trained with"
    ):
        network(x, T, condition_of(random(9, 8), [[0], [1], [2]]))
    with pytest.raises(T2WError, match=f"expected {SPEC.size}"):
        network(x[:, 1:], T, condition)
    with pytest.raises(T2WError, match="one condition each"):
        network(x[:2], T[:2], condition)


def test_normaliser_standardises_and_inverts() -> None:
    base, vectors = random(SPEC.size), 3 * random(50, SPEC.size, seed=1) + 2
    normalizer = Normalizer.fit(base, vectors)
    x = normalizer.normalize(vectors)
    assert_close(x.mean(dim=0), torch.zeros(SPEC.size), atol=1e-5, rtol=0)
    assert_close(x.std(dim=0), torch.ones(SPEC.size))
    assert_close(normalizer.denormalize(x), vectors)


def test_coordinates_that_never_move_are_not_blown_up() -> None:
    vectors = random(50, SPEC.size)
    vectors[:, 3] = 1.0
    normalizer = Normalizer.fit(torch.zeros(SPEC.size), vectors)
    assert normalizer.std[3] > 0.01
    assert_close(normalizer.normalize(vectors)[:, 3], torch.zeros(50), atol=1e-5, rtol=0)


def test_normaliser_refuses_what_it_cannot_use() -> None:
    vectors = random(4, SPEC.size)
    with pytest.raises(T2WError, match="2 or more"):
        Normalizer.fit(vectors[0], vectors[:1])
