"""Whole samplings against those of the reference implementation, with its own network."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from t2w.diffusion import Denoiser, linear_schedule, q_sample, sample

reference = pytest.importorskip("t2w.interop.reference")
GOLDEN = Path(os.environ.get("T2W_GOLDEN", Path(__file__).parents[3] / "shared" / "golden"))
pytestmark = pytest.mark.skipif(
    not (GOLDEN / "reference_tiny_io.npz").exists(), reason=f"no golden files in {GOLDEN} (set T2W_GOLDEN)"
)


@pytest.fixture(scope="module")
def golden() -> dict[str, Tensor]:
    return {k: torch.from_numpy(v) for k, v in np.load(GOLDEN / "reference_tiny_io.npz").items()}


@pytest.fixture(scope="module")
def denoiser(golden: dict[str, Tensor]) -> Denoiser:
    # The weights as trained: with the moving average, nothing below holds.
    network = reference.load_generator(GOLDEN / "reference_tiny.pt", n_head=2, weights="G")

    @torch.inference_mode()
    def predict(x_t: Tensor, t: Tensor) -> Tensor:
        return network(x_t, t, golden["cond"])

    return predict


def test_training_error(golden: dict[str, Tensor], denoiser: Denoiser) -> None:
    x_t = q_sample(linear_schedule(), golden["x0"], golden["t"], golden["noise"])
    found = denoiser(x_t, golden["t"])
    torch.testing.assert_close(found, golden["train_pred"], atol=1e-5, rtol=0)
    torch.testing.assert_close((found - golden["x0"]).square().mean(dim=1), golden["train_mse"], atol=1e-6, rtol=1e-5)


def test_ancestral_sampling(golden: dict[str, Tensor], denoiser: Denoiser) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        found = sample(denoiser, golden["x_t"], sampler="ancestral", timesteps="20").x_0
        drawn = torch.get_rng_state()
        torch.manual_seed(5)
        for _ in range(20):  # noise at the last step too, so that a second batch would agree as well
            torch.randn(golden["x_t"].shape)
        assert torch.equal(torch.get_rng_state(), drawn)
    torch.testing.assert_close(found, golden["ancestral20_final_seed5"], atol=1e-4, rtol=0)


def test_ddim_sampling(golden: dict[str, Tensor], denoiser: Denoiser) -> None:
    found = sample(denoiser, golden["x_t"], sampler="ddim", timesteps="ddim50")
    torch.testing.assert_close(found.x_0, golden["ddim50_final"], atol=1e-4, rtol=0)
    assert found.timesteps == tuple(range(980, -1, -20))
