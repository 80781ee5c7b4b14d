"""The same at the reference's own adapter sizes, and its diffusion tables: files too large to keep here."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from t2w.diffusion import fixed_large_log_variance, linear_schedule, posterior, q_sample, sample
from t2w.generator.reference import ReferenceTransformer
from t2w.interop.reference import load_generator

FOLDER = Path(os.environ.get("T2W_GOLDEN", Path(__file__).parents[3] / "shared" / "golden"))
pytestmark = pytest.mark.skipif(
    not (FOLDER / "reference_tiny.pt").exists(), reason=f"no golden files in {FOLDER} (set T2W_GOLDEN)"
)
SCHEDULE = linear_schedule()


@pytest.fixture(scope="module")
def golden() -> dict[str, Tensor]:
    return {name: torch.from_numpy(value) for name, value in np.load(FOLDER / "reference_tiny_io.npz").items()}


@pytest.fixture(scope="module")
def model() -> ReferenceTransformer:
    return load_generator(FOLDER / "reference_tiny.pt", n_head=2)


@torch.no_grad()
def test_network(golden: dict[str, Tensor], model: ReferenceTransformer) -> None:
    found = model(golden["x_t"], golden["t"], golden["cond"])
    torch.testing.assert_close(found, golden["model_out"], atol=1e-5, rtol=0)
    torch.testing.assert_close(model.scalar_embedder(golden["t"]), golden["t_embed"], atol=1e-6, rtol=0)
    x_t = q_sample(SCHEDULE, golden["x0"], golden["t"], golden["noise"])
    found = model(x_t, golden["t"], golden["cond"])
    torch.testing.assert_close(found, golden["train_pred"], atol=1e-5, rtol=0)
    torch.testing.assert_close((found - golden["x0"]).square().mean(dim=1), golden["train_mse"], atol=1e-6, rtol=1e-5)


def test_tables() -> None:
    tables = np.load(FOLDER / "diffusion_constants.npz")
    np.testing.assert_allclose(SCHEDULE.betas, tables["betas"], rtol=1e-12)
    np.testing.assert_allclose(SCHEDULE.alpha_bar, tables["alphas_cumprod"], rtol=1e-10)
    one, t = torch.ones(1000, 1, dtype=torch.float64), torch.arange(1000)
    c_0, variance = posterior(SCHEDULE, one, 0 * one, t)
    np.testing.assert_allclose(c_0[:, 0], tables["coef1"], rtol=1e-9)
    np.testing.assert_allclose(posterior(SCHEDULE, 0 * one, one, t)[0][:, 0], tables["coef2"], rtol=1e-9)
    np.testing.assert_allclose(variance[:, 0], tables["post_var"], rtol=1e-9)


def test_single_steps(golden: dict[str, Tensor]) -> None:
    x_t = q_sample(SCHEDULE, golden["x0"], golden["t"], golden["noise"])
    torch.testing.assert_close(x_t, golden["q_sample"], atol=1e-6, rtol=1e-6)
    mean, _ = posterior(SCHEDULE, golden["model_out"], golden["x_t"], golden["t"])
    torch.testing.assert_close(mean, golden["p_mean"], atol=1e-6, rtol=1e-5)
    log_variance = fixed_large_log_variance(SCHEDULE)[golden["t"]].float()
    torch.testing.assert_close(log_variance, golden["p_logvar"], atol=1e-6, rtol=1e-6)
    for i, t in enumerate(golden["t"].tolist()):
        if t > 0:
            asked: list[Tensor] = []

            def denoiser(x: Tensor, _: Tensor, i: int = i, asked: list[Tensor] = asked) -> Tensor:
                asked.append(x)
                return golden["model_out"][i : i + 1]

            sample(denoiser, golden["x_t"][i : i + 1], timesteps=[t, t - 1])
            torch.testing.assert_close(asked[1], golden["ddim_step"][i : i + 1], atol=1e-4, rtol=1e-4)
