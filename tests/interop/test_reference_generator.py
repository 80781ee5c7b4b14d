"""The reference's checkpoints: sizes from tensors alone, the way back, and files that are not what
they should be."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from interop_parts import CONFIG, SPEC, checkpoint, network

from t2w.errors import T2WError
from t2w.generator import Generator, Normalizer
from t2w.generator.reference import ReferenceTransformer
from t2w.interop.reference import load_generator, load_reference_generator, save_generator


@pytest.mark.parametrize("policy", ["chunk_within_layer", "chunk", "layer_by_layer", "chunk_within_input"])
@pytest.mark.parametrize("depth", [1, 2])
def test_sizes_are_worked_out(tmp_path: Path, policy: str, depth: int) -> None:
    config = replace(CONFIG, split_policy=policy, encoder_depth=depth, decoder_depth=depth)
    torch.save(checkpoint(config), tmp_path / "best.pt")
    model = load_generator(tmp_path / "best.pt", n_head=2)
    x_t, t, cond = torch.randn(3, SPEC.size), torch.tensor([0, 5, 999]), torch.randn(3, 8)
    assert not model.training
    assert torch.equal(model(x_t, t, cond), network(config)(x_t, t, cond))
    assert model.config.spec == SPEC


def test_frequencies_are_worked_out(tmp_path: Path) -> None:
    config = replace(CONFIG, max_freq_log2=12.3)
    torch.save(checkpoint(config), tmp_path / "best.pt")
    assert load_generator(tmp_path / "best.pt", n_head=2).config.max_freq_log2 == 12.3


def test_the_average_is_another_network(tmp_path: Path) -> None:
    torch.save(checkpoint(), tmp_path / "best.pt")
    averaged = load_generator(tmp_path / "best.pt", n_head=2, weights="G_ema").state_dict()
    expected = network(seed=1).state_dict()
    assert all(torch.equal(averaged[name], expected[name]) for name in expected)


def test_as_a_generator(tmp_path: Path) -> None:
    torch.save(checkpoint(), tmp_path / "best.pt")
    generator = load_reference_generator(tmp_path / "best.pt", n_head=2, coefficient=2.0)
    weights = torch.randn(3, SPEC.size)
    torch.testing.assert_close(generator.normalizer.normalize(weights), 2 * weights)
    text = torch.randn(4, 8)
    assert generator.generate(generator.condition(text, [[0, 1], [1, 2, 3]]), steps=2).shape == (2, SPEC.size)


def test_optimiser_state_lies_where_the_reference_looks(tmp_path: Path) -> None:
    model = network(replace(CONFIG, n_layer=11))
    save_generator(generator_of(model, 1.0), tmp_path / "best.pt")
    optim = torch.load(tmp_path / "best.pt", weights_only=True)["optim"]
    names = dict(model.named_parameters())
    linear = sum(p.ndim == 2 for p in names.values())
    assert [group["params"] for group in optim["param_groups"]] == [
        list(range(linear)),
        list(range(linear, len(names))),
    ]
    assert [group["weight_decay"] for group in optim["param_groups"]] == [0.1, 0.0]


def generator_of(model: ReferenceTransformer, coefficient: float) -> Generator:
    return Generator(model, Normalizer.scaled(SPEC.size, coefficient))


def test_another_normaliser_cannot_be_written(tmp_path: Path) -> None:
    generator = generator_of(network(), 1.0)
    generator.normalizer.std[3] = 2.0
    with pytest.raises(T2WError, match="one coefficient"):
        save_generator(generator, tmp_path / "best.pt")
    assert not list(tmp_path.iterdir())


class _Planted:
    """Unpickling one makes a folder: the harmless form of an attack."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("archive", [True, False])
def test_code_in_a_file_does_not_run(tmp_path: Path, archive: bool) -> None:
    path, planted = tmp_path / "best.pt", tmp_path / "planted"
    torch.save({"G": _Planted(str(planted))}, path, _use_new_zipfile_serialization=archive)
    with pytest.raises(T2WError, match=r"best.pt holds more than tensors.*nothing in it was executed"):
        load_generator(path, n_head=2)
    path.write_bytes(pickle.dumps({"G": _Planted(str(planted))}))
    with pytest.raises(T2WError, match=r"best\.pt"):
        load_generator(path, n_head=2)
    assert not planted.exists()


def test_numpy_before_2_named_its_scalars_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    torch.save(checkpoint(), path, _use_new_zipfile_serialization=False)
    old = path.read_bytes()
    assert b"numpy._core.multiarray" in old
    path.write_bytes(old.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"))
    assert isinstance(load_generator(path, n_head=2), ReferenceTransformer)


def damaged(change: Any) -> dict[str, Any]:
    value = checkpoint()
    change(value)
    return value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("G"), r"holds a dict of \['G_ema', 'optim'\].*\"G\""),
        (lambda c: c["G"].pop("decoder.pos_emb"), "has no tensor decoder.pos_emb"),
        (lambda c: c["G"].pop("decoder.ln_f.bias"), r"tensor decoder.ln_f.bias is absent; expected \(8,\)"),
        (lambda c: c["G"].update({"decoder.extra": torch.zeros(1)}), r"decoder.extra is \(1,\); expected absent"),
        (
            lambda c: c["G"].update({"decoder.blocks.1.mlp.0.weight": torch.zeros(3, 8)}),
            r"blocks.1.mlp.0.weight is \(3, 8\); expected \(32, 8\)",
        ),
        (lambda c: c["G"]["decoder.ln_f.bias"].fill_(float("nan")), "ln_f.bias holds NaN"),
        (lambda c: c["G"].update({"decoder.output_parameter_projections.5.0.weight": torch.zeros(9, 8)}), "spec="),
    ],
)
def test_other_tensors(tmp_path: Path, change: Any, message: str) -> None:
    torch.save(damaged(change), tmp_path / "best.pt")
    with pytest.raises(T2WError, match=message):
        load_generator(tmp_path / "best.pt", n_head=2)


def test_other_arguments(tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    torch.save({"G": checkpoint()["G"]}, path)
    for arguments, message in [
        ({"n_head": 3}, "n_embd is 8; expected a multiple of generator.n_head = 3"),
        ({"n_head": 2, "weights": "G_ema"}, 'has no G_ema.*weights="G"'),
        ({"n_head": 2, "weights": "ema"}, "has no ema; expected .G., or .G_ema."),
    ]:
        with pytest.raises(T2WError, match=message):
            load_generator(path, **arguments)


def test_other_files(tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    with pytest.raises(T2WError, match="cannot read"):
        load_generator(path, n_head=2)
    torch.save(checkpoint(), path)
    whole = path.read_bytes()
    for content in (b"", b"words", whole[: len(whole) // 2], whole[:-40]):
        path.write_bytes(content)
        with pytest.raises(T2WError, match=r"best\.pt"):
            load_generator(path, n_head=2)
    torch.save([1, 2], path)
    with pytest.raises(T2WError, match="holds list"):
        load_generator(path, n_head=2)
