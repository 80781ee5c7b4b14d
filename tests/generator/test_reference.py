"""The reference network: its size, its tensors, and the same function however it is computed."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from t2w.adapters import AdapterSpec
from t2w.errors import T2WError
from t2w.generator.condition import Condition
from t2w.generator.reference import ReferenceConfig, ReferenceTransformer, chunk_sizes, project

CLIP = AdapterSpec(512, 16, 512, 100.0)
SMALL = ReferenceConfig(CLIP, 512)
LARGE = ReferenceConfig(CLIP, 512, n_embd=2048, n_layer=12, n_head=16)
TINY = ReferenceConfig(AdapterSpec(6, 4, 8, 100.0), 8, n_embd=16, n_layer=2, n_head=2, chunk_size=10, num_frequencies=5)


def meta(config: ReferenceConfig) -> ReferenceTransformer:
    with torch.device("meta"):
        return ReferenceTransformer(config)


@pytest.mark.parametrize(("config", "parameters", "entries"), [(SMALL, 111_039_488, 168), (LARGE, 675_223_552, 264)])
def test_published_sizes(config: ReferenceConfig, parameters: int, entries: int) -> None:
    network = meta(config)
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert len(network.state_dict()) == entries


def test_names_in_the_reference_order() -> None:
    names = list(meta(ReferenceConfig(CLIP, 512, n_embd=16, n_layer=1, n_head=2)).state_dict())
    block = [
        f"decoder.blocks.0.{part}.{kind}"
        for part in ("ln1", "ln2", "attn.key", "attn.query", "attn.value", "attn.proj", "mlp.0", "mlp.2")
        for kind in ("weight", "bias")
    ]
    assert names == [
        "decoder.pos_emb",
        *block,
        *(f"decoder.input_parameter_projections.{i}.0.weight" for i in range(34)),
        *(f"decoder.{norm}.{kind}" for norm in ("ln_in", "ln_f") for kind in ("weight", "bias")),
        *(f"decoder.output_parameter_projections.{i}.0.weight" for i in range(32)),
        "scalar_embedder.frequencies",
    ]


@pytest.mark.parametrize(
    ("policy", "inputs", "outputs"),
    [
        (
            "chunk_within_layer",
            [*[576] * 14, 128, 16, *[576] * 14, 128, 512, 257, 512],
            [*[576] * 14, 128, 16, *[576] * 14, 128, 512],
        ),
        ("chunk", [*[576] * 30, 401], [*[576] * 29, 208]),
        ("layer_by_layer", [8192, 16, 8192, 512, 257, 512], [8192, 16, 8192, 512]),
        ("chunk_within_input", [*[576] * 14, 144, *[576] * 15, 64, 257, 512], [*[576] * 14, 144, *[576] * 15, 64]),
    ],
)
def test_split_policies(policy: str, inputs: list[int], outputs: list[int]) -> None:
    assert chunk_sizes(ReferenceConfig(CLIP, 512, split_policy=policy)) == (inputs, outputs)


def test_depths_put_layers_at_the_reference_places() -> None:
    state = meta(ReferenceConfig(TINY.spec, 8, n_embd=16, n_head=2, encoder_depth=3, decoder_depth=2)).state_dict()
    shapes = {name: tuple(value.shape) for name, value in state.items() if "projections.0." in name}
    assert shapes == {
        "decoder.input_parameter_projections.0.0.weight": (16, 24),
        "decoder.input_parameter_projections.0.2.weight": (16, 16),
        "decoder.input_parameter_projections.0.4.weight": (16, 16),
        "decoder.output_parameter_projections.0.0.weight": (16, 16),
        "decoder.output_parameter_projections.0.2.weight": (24, 16),
    }


def test_initial_weights() -> None:
    torch.manual_seed(0)
    state = ReferenceTransformer(ReferenceConfig(CLIP, 512, n_embd=64, n_layer=1, n_head=2)).state_dict()
    assert not state["decoder.pos_emb"].any()
    assert not state["decoder.blocks.0.attn.key.bias"].any()
    assert bool((state["decoder.ln_f.weight"] == 1).all())
    for name in ("decoder.blocks.0.mlp.0.weight", "decoder.output_parameter_projections.3.0.weight"):
        assert float(state[name].std()) == pytest.approx(0.02, rel=0.05)


def test_timestep_embedding_at_its_last_step() -> None:
    embedded = meta(SMALL).scalar_embedder(torch.tensor([999]))[0]
    golden = torch.tensor([-0.0264608, -0.0437798, 0.9996498, 0.9990412, 999.0])
    torch.testing.assert_close(embedded[[0, 127, 128, 255, 256]], golden, atol=1e-6, rtol=0)


@pytest.mark.parametrize("policy", ["chunk_within_layer", "chunk", "layer_by_layer", "chunk_within_input"])
def test_equals_the_formulas_written_out(policy: str) -> None:
    torch.manual_seed(1)
    config = ReferenceConfig.from_dict({**TINY.to_dict(), "split_policy": policy, "encoder_depth": 2})
    network = ReferenceTransformer(config).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    x_t, t, cond = torch.randn(3, config.spec.size), torch.tensor([0, 7, 999]), torch.randn(3, 8)
    torch.testing.assert_close(network(x_t, t, cond), written_out(network, x_t, t, cond), atol=1e-5, rtol=1e-5)


def written_out(network: ReferenceTransformer, x_t: torch.Tensor, t: torch.Tensor, cond: torch.Tensor) -> torch.Tensor:
    """The forward pass from the state dict, in the plainest way, for encoder depth 2 and decoder depth 1."""
    s, (inputs, outputs), heads = network.state_dict(), chunk_sizes(network.config), network.config.n_head
    angle = t[:, None].float() * s["scalar_embedder.frequencies"]
    whole = torch.cat([x_t, angle.sin(), angle.cos(), t[:, None].float(), cond], dim=1)
    tokens, start = [], 0
    for i, size in enumerate(inputs):
        name = f"decoder.input_parameter_projections.{i}"
        hidden = whole[:, start : start + size] @ s[f"{name}.0.weight"].T
        tokens.append(F.gelu(hidden) @ s[f"{name}.2.weight"].T)
        start += size

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(x, x.shape[-1:], s[f"{name}.weight"], s[f"{name}.bias"])

    x = norm(torch.stack(tokens, dim=1), "decoder.ln_in") + s["decoder.pos_emb"]
    for i in range(network.config.n_layer):
        block = f"decoder.blocks.{i}"
        y = norm(x, f"{block}.ln1")
        q, k, v = (
            F.linear(y, s[f"{block}.attn.{part}.weight"], s[f"{block}.attn.{part}.bias"])
            for part in ("query", "key", "value")
        )
        parts = []
        for q_h, k_h, v_h in zip(*(a.chunk(heads, dim=-1) for a in (q, k, v)), strict=True):
            parts.append((q_h @ k_h.mT / math.sqrt(q_h.shape[-1])).softmax(-1) @ v_h)
        x = x + F.linear(torch.cat(parts, -1), s[f"{block}.attn.proj.weight"], s[f"{block}.attn.proj.bias"])
        y = F.gelu(F.linear(norm(x, f"{block}.ln2"), s[f"{block}.mlp.0.weight"], s[f"{block}.mlp.0.bias"]))
        x = x + F.linear(y, s[f"{block}.mlp.2.weight"], s[f"{block}.mlp.2.bias"])
    x = norm(x, "decoder.ln_f")
    chunks = [
        x[:, i] @ s[f"decoder.output_parameter_projections.{i}.0.weight"].T for i in range(len(outputs))
    ]  # fmt: skip
    return torch.cat(chunks, dim=1)


def test_grouped_and_single_projections_agree_forward_and_back() -> None:
    torch.manual_seed(2)
    config = ReferenceConfig.from_dict({**TINY.to_dict(), "encoder_depth": 2})
    network = ReferenceTransformer(config)
    layers = network.decoder.input_parameter_projections
    tokens = list(torch.randn(3, sum(network.decoder.sizes)).split(network.decoder.sizes, dim=1))
    found = []
    for grouped in (False, True):
        network.zero_grad()
        out = torch.stack(project(layers, tokens, grouped=grouped))
        out.square().sum().backward()
        found.append((out.detach(), [p.grad.clone() for p in layers.parameters() if p.grad is not None]))
    torch.testing.assert_close(found[0], found[1])
    assert len(found[0][1]) == 2 * len(tokens)


def test_dropout_acts_in_training_only() -> None:
    network = ReferenceTransformer(ReferenceConfig.from_dict({**TINY.to_dict(), "dropout": 0.5}))
    batch = torch.randn(2, TINY.spec.size), torch.tensor([1, 2]), torch.randn(2, 8)
    assert not torch.equal(network(*batch), network(*batch))
    network.eval()
    assert torch.equal(network(*batch), network(*batch))


def test_takes_pooled_conditions() -> None:
    network = ReferenceTransformer(TINY).eval()
    x_t, t, cond = torch.randn(2, TINY.spec.size), torch.tensor([1, 2]), torch.randn(2, 8)
    pooled = Condition(cond[:, None], torch.ones(2, 1, dtype=torch.bool))
    assert torch.equal(network(x_t, t, pooled), network(x_t, t, cond))
    with pytest.raises(T2WError, match=r'one token per task.*conditioning="pooled"'):
        network(x_t, t, Condition(cond[:, None].expand(2, 3, 8), torch.ones(2, 3, dtype=torch.bool)))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((2, 5), 2, (2, 8)), "noisy weights of 5 numbers; expected 68"),
        (((2, 68), 2, (2, 9)), "text embeddings of 9 numbers; expected 8"),
        (((2, 68), 3, (2, 8)), "2 conditions and 3 timesteps for 2 weight vectors"),
    ],
)
def test_other_sizes(shapes: tuple[tuple[int, int], int, tuple[int, int]], message: str) -> None:
    x_t, n, cond = shapes
    with pytest.raises(T2WError, match=message):
        ReferenceTransformer(TINY)(torch.zeros(x_t), torch.zeros(n), torch.zeros(cond))


def test_config_round_trip_and_mistakes() -> None:
    assert ReferenceConfig.from_dict(TINY.to_dict()) == TINY
    with pytest.raises(T2WError, match=r"no key 'generator.n_heads'.*did you mean 'generator.n_head'"):
        ReferenceConfig.from_dict({**TINY.to_dict(), "n_heads": 3})
    with pytest.raises(T2WError, match=r"n_embd is 16.*multiple of generator.n_head = 3"):
        ReferenceConfig.from_dict({**TINY.to_dict(), "n_head": 3})
    with pytest.raises(T2WError, match="did you mean 'chunk'"):
        ReferenceConfig.from_dict({**TINY.to_dict(), "split_policy": "chunks"})
