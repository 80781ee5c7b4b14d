"""Against numbers that the reference's own classes gave: every split policy, and both of its ways to sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from t2w.adapters import AdapterSpec
from t2w.diffusion import respace, sample
from t2w.generator.reference import ReferenceTransformer
from t2w.interop.reference import load_generator, load_reference_generator, save_generator

FOLDER = Path(__file__).parents[1] / "golden"
POLICIES = ("chunk_within_layer", "chunk", "layer_by_layer", "chunk_within_input")
SPEC = AdapterSpec(16, 4, 16, 100.0)  # adapters 16-4-16 with text of 512: the tensors alone do not tell the sizes
IO = {name: torch.from_numpy(value) for name, value in np.load(FOLDER / "io.npz").items()}


def load(policy: str, weights: str = "G") -> ReferenceTransformer:
    return load_generator(FOLDER / f"{policy}.pt", n_head=2, weights=weights, spec=SPEC)  # type: ignore[arg-type]


def inputs(policy: str) -> tuple[Tensor, Tensor, Tensor]:
    return IO[f"{policy}/x_t"], IO[f"{policy}/t"], IO[f"{policy}/cond"]


@pytest.mark.parametrize("policy", POLICIES)
@torch.no_grad()
def test_output(policy: str) -> None:
    model, expected = load(policy), IO[f"{policy}/model_out"]
    torch.testing.assert_close(model(*inputs(policy)), expected, atol=1e-5, rtol=0)
    averaged = load(policy, "G_ema")
    assert float((averaged(*inputs(policy)) - expected).abs().max()) > 1e-3  # another network: which is loaded matters


@pytest.mark.parametrize("policy", POLICIES)
def test_checkpoint_goes_back_tensor_for_tensor(policy: str, tmp_path: Path) -> None:
    there = torch.load(FOLDER / f"{policy}.pt", weights_only=False)
    save_generator(load_reference_generator(FOLDER / f"{policy}.pt", n_head=2, spec=SPEC), tmp_path / "best.pt")
    here = torch.load(tmp_path / "best.pt", weights_only=True)
    assert list(here) == list(there)
    assert list(here["G"]) == list(there["G"])
    assert all(torch.equal(here["G"][name], there["G"][name]) for name in here["G"])
    groups = [found["optim"]["param_groups"] for found in (here, there)]
    for key in ("params", "weight_decay"):
        assert [group[key] for group in groups[0]] == [group[key] for group in groups[1]]


@pytest.fixture(scope="module")
def denoiser():
    model = load("chunk_within_layer")
    cond = inputs("chunk_within_layer")[2]
    return torch.no_grad()(lambda x_t, t: model(x_t, t, cond))


def test_ancestral_sampling(denoiser) -> None:
    x_T = inputs("chunk_within_layer")[0]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        found = sample(denoiser, x_T, sampler="ancestral", timesteps="20").x_0
        drawn = torch.get_rng_state()
        torch.manual_seed(5)
        for _ in range(20):  # noise at the last step too, so that a second batch would agree as well
            torch.randn(x_T.shape)
        assert torch.equal(torch.get_rng_state(), drawn)
    torch.testing.assert_close(found, IO["ancestral20_final_seed5"], atol=1e-4, rtol=0)


def test_ddim_sampling(denoiser) -> None:
    found = sample(denoiser, inputs("chunk_within_layer")[0], sampler="ddim", timesteps="ddim50")
    torch.testing.assert_close(found.x_0, IO["ddim50_final"], atol=1e-4, rtol=0)
    assert found.timesteps == tuple(range(980, -1, -20))


def test_respacing() -> None:
    assert list(respace("20"))[::-1] == IO["timestep_map_20"].tolist()
