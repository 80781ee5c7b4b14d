from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from generator_parts import random
from torch.testing import assert_close

from t2w.adapters import Adapter, AdapterSpec, Units, UnitStarts, class_codes, to_units, to_vector, unit_spec
from t2w.concepts import Concepts, Evidence
from t2w.errors import T2WError
from t2w.generator import Condition, Generator, UnitConfig, UnitNormalizer, build_network, condition_of_evidence

SPEC = AdapterSpec(in_features=12, hidden=5, out_features=16, logit_scale=20.0)
CONFIG = UnitConfig(SPEC, 16, n_embd=16, n_layer=1, n_head=2, rank=3)


def evidence(n: int, *, text_dim: int = 16, dim: int = 12, seed: int = 0) -> Evidence:
    rows, text = F.normalize(random(n, dim, seed=seed), dim=1), F.normalize(random(n, text_dim, seed=seed + 1), dim=1)
    return Evidence(text, rows, torch.linspace(0, 0.9, n), ("map",) * n)


@pytest.fixture
def known() -> Evidence:
    return evidence(7)


@pytest.fixture
def condition(known: Evidence) -> Condition:
    return condition_of_evidence(known, [[0, 1, 2], [5, 3], [6, 4, 2, 1, 0]])


def generator(config: UnitConfig = CONFIG, *, centres: int = 1, trained: bool = True) -> Generator:
    """Untrained, but for heads that are not zero, so that its answers depend on everything."""
    network = build_network(config, seed=1)
    if trained:
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if not parameter.any():
                    parameter.copy_(0.1 * random(1, *parameter.shape, seed=len(name))[0])
    spec = config.spec
    width = spec.in_features + 1 + spec.out_features
    q, _ = torch.linalg.qr(random(spec.in_features, centres, seed=5))
    normalizer = UnitNormalizer(
        spec, config.gain, torch.full((width,), 0.1), torch.full((spec.out_features,), 0.1), q.T
    )
    return Generator(network, normalizer, {"text_encoder": "none"})


def test_units_and_vectors_are_inverse() -> None:
    vectors = random(3, SPEC.size)
    assert_close(to_vector(to_units(SPEC, vectors)), vectors)


def test_at_the_start_the_adapter_is_the_evidence_as_a_classifier(known: Evidence) -> None:
    tasks = [[0, 3, 5], [6, 1]]
    vectors = UnitStarts(known.rows, known.text, gain=0.3).of(SPEC, tasks)
    x = random(200, 12, seed=9)
    for task, vector in zip(tasks, vectors, strict=True):
        adapter = Adapter.from_vector(SPEC, vector)
        said = adapter.logits(x, known.text[task]).argmax(1)
        linear = (x @ known.rows[task].T).argmax(1)
        assert float((said == linear).float().mean()) > 0.9  # texts of 16 numbers are not quite dual


def test_an_untrained_generator_gives_the_start(known: Evidence) -> None:
    made = generator(trained=False)
    vectors = made.generate(made.condition(known), steps=1)
    spec = made.spec_for(made.condition(known))
    assert spec == replace(SPEC, hidden=7)
    assert_close(vectors, UnitStarts(known.rows, known.text, CONFIG.gain).of(spec, [range(7)]), atol=1e-3, rtol=0)


def test_classes_are_a_set(known: Evidence) -> None:
    made, order = generator(), [4, 2, 0, 6, 1, 3, 5]
    spec = unit_spec(SPEC, 7)
    condition = condition_of_evidence(known)
    x_t, t = random(1, spec.size, seed=3), torch.tensor([400])
    before = to_units(spec, made.network(x_t, t, condition))
    moved = to_units(spec, x_t)
    x_t = to_vector(Units(moved.units[:, order], moved.bias))
    after = to_units(spec, made.network(x_t, t, condition_of_evidence(known, [order])))
    assert_close(after.units, before.units[:, order], atol=1e-5, rtol=1e-5)
    assert_close(after.bias, before.bias, atol=1e-5, rtol=1e-5)


def test_padding_changes_nothing(known: Evidence) -> None:
    made = generator()
    alone = made.generate(condition_of_evidence(known, [[5, 3]]), steps=1)
    padded = made.generate(condition_of_evidence(known, [[5, 3]], width=6), steps=1)
    narrow, wide = to_units(unit_spec(SPEC, 2), alone), to_units(unit_spec(SPEC, 6), padded)
    # Noise is drawn for the whole vector, and shows a little even where the evidence decides.
    assert_close(wide.units[:, :2], narrow.units, atol=1e-3, rtol=0)
    assert not wide.units[:, 2:].any()


def test_normalising_is_undone(condition: Condition) -> None:
    normalizer = generator().normalizer
    spec = unit_spec(SPEC, 5)
    first = to_vector(normalizer.start(condition))
    moved = to_units(spec, first + 0.1 * random(*first.shape))
    inside = Units(moved.units * condition.mask[..., None], moved.bias)
    x = normalizer.normalize(to_vector(inside), condition)
    again = to_units(spec, normalizer.denormalize(x, condition))
    centred = inside.units[..., :12] - to_units(spec, first).units[..., :12]
    centred = centred - (centred @ normalizer.centres.T) @ normalizer.centres
    assert_close(again.units[..., :12], to_units(spec, first).units[..., :12] + centred, atol=1e-5, rtol=1e-5)
    assert_close(again.units[..., 12:], inside.units[..., 12:], atol=1e-5, rtol=1e-5)
    assert_close(again.bias, inside.bias, atol=1e-5, rtol=1e-5)


def test_generated_rows_keep_clear_of_the_centres(known: Evidence) -> None:
    made = generator(centres=2)
    centred = known.rows - (known.rows @ made.normalizer.centres.T) @ made.normalizer.centres
    told = replace(known, rows=F.normalize(centred, dim=1))
    condition = made.condition(told)
    units = to_units(made.spec_for(condition), made.generate(condition, steps=3)).units
    assert_close(units[..., :12] @ made.normalizer.centres.T, torch.zeros(1, 7, 2), atol=1e-5, rtol=0)


def test_unsure_evidence_is_changed_less(known: Evidence) -> None:
    made = generator()
    with torch.no_grad():
        made.network.map_out.weight.zero_()
        made.network.map_scale.zero_()
    differences = []
    for variance in (0.0, 0.5, 0.95):
        told = replace(known, variance=torch.full((7,), variance))
        start = to_vector(made.normalizer.start(made.condition(told)))
        moved = made.generate(made.condition(told), steps=1) - start
        differences.append(float(to_units(made.spec_for(made.condition(told)), moved).units.norm()))
    assert differences[0] > 5 * differences[1] > 50 * differences[2]


def test_any_number_of_classes(known: Evidence) -> None:
    made = generator()
    many = evidence(300)
    condition = made.condition(many)
    spec = made.spec_for(condition)
    assert (spec.hidden, spec.out_features) == (300, 16 + 1024)
    vector = made.generate(condition, steps=2)[0]
    codes = class_codes(many.text)
    assert codes.shape == (300, 16 + 1024)
    assert_close(codes.norm(dim=1), torch.ones(300))
    made = generator(trained=False)
    vector = made.generate(condition, steps=1)[0]
    x = random(100, 12, seed=2)
    said = Adapter.from_vector(spec, vector).logits(x, codes).argmax(1)
    assert float((said == (x @ many.rows.T).argmax(1)).float().mean()) > 0.95


def test_samples_depend_on_the_seed_and_steps(condition: Condition) -> None:
    made = generator(replace(CONFIG, residual=0.9))
    vectors = made.generate(condition, steps=4)
    assert vectors.shape == (3, unit_spec(SPEC, 5).size)
    assert torch.equal(vectors, made.generate(condition, steps=4))
    assert not torch.equal(vectors, made.generate(condition, steps=4, seed=1))
    path, _, timesteps = made.trajectory(condition, steps=4)
    assert len(timesteps) == 4
    assert_close(path[-1], vectors)


def test_a_file_gives_the_generator_back(known: Evidence, tmp_path: Path) -> None:
    made = generator()
    names = tuple((f"thing {i}",) for i in range(7))
    made.concepts = Concepts(names, known.text, known.text.clone(), known.rows, torch.arange(7), torch.eye(12)[:1])
    made.save(tmp_path / "generator.safetensors")
    again = Generator.load(tmp_path / "generator.safetensors")
    assert again.config == CONFIG
    assert again.concepts is not None
    assert again.concepts.names == made.concepts.names
    assert_close(again.generate(again.condition(known)), made.generate(made.condition(known)))


def test_texts_alone_are_refused(known: Evidence) -> None:
    made = generator()
    with pytest.raises(T2WError, match="a condition of texts alone; expected evidence"):
        made.condition(known.text)
    with pytest.raises(T2WError, match="evidence of 13 numbers; expected 12"):
        made.generate(condition_of_evidence(evidence(3, dim=13)))


@pytest.mark.parametrize(
    ("field", "value"), [("caution", -1.0), ("rank", 0), ("mute", 1.0), ("gain", 0.0), ("n_head", 3)]
)
def test_values_out_of_range(field: str, value: float) -> None:
    with pytest.raises(T2WError, match=rf"generator\.(n_embd|{field}) is"):
        replace(CONFIG, **{field: value})
