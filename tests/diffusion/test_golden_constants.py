"""Against constants written by the reference implementation, where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from t2w.diffusion import fixed_large_log_variance, linear_schedule, posterior, q_sample, respace, sample

GOLDEN = Path(os.environ.get("T2W_GOLDEN", Path(__file__).parents[3] / "shared" / "golden"))
pytestmark = pytest.mark.skipif(
    not (GOLDEN / "diffusion_constants.npz").exists(), reason=f"no golden files in {GOLDEN} (set T2W_GOLDEN)"
)
SCHEDULE = linear_schedule()


def test_tables() -> None:
    golden = np.load(GOLDEN / "diffusion_constants.npz")
    np.testing.assert_allclose(SCHEDULE.betas, golden["betas"], rtol=1e-12)
    np.testing.assert_allclose(SCHEDULE.alpha_bar, golden["alphas_cumprod"], rtol=1e-10)
    one, t = torch.ones(1000, 1, dtype=torch.float64), torch.arange(1000)
    c_0, variance = posterior(SCHEDULE, one, 0 * one, t)
    np.testing.assert_allclose(c_0[:, 0], golden["coef1"], rtol=1e-9)
    np.testing.assert_allclose(posterior(SCHEDULE, 0 * one, one, t)[0][:, 0], golden["coef2"], rtol=1e-9)
    np.testing.assert_allclose(variance[:, 0], golden["post_var"], rtol=1e-9)


def test_q_sample_and_the_steps() -> None:
    golden = {k: torch.from_numpy(v) for k, v in np.load(GOLDEN / "reference_tiny_io.npz").items()}
    x_t = q_sample(SCHEDULE, golden["x0"], golden["t"], golden["noise"])
    torch.testing.assert_close(x_t, golden["q_sample"], atol=1e-6, rtol=1e-6)
    mean, _ = posterior(SCHEDULE, golden["model_out"], golden["x_t"], golden["t"])
    torch.testing.assert_close(mean, golden["p_mean"], atol=1e-6, rtol=1e-5)
    log_variance = fixed_large_log_variance(SCHEDULE)[golden["t"]].float()
    torch.testing.assert_close(log_variance, golden["p_logvar"], atol=1e-6, rtol=1e-6)
    for i, t in enumerate(golden["t"].tolist()):
        if t > 0:
            asked: list[torch.Tensor] = []

            def model(x: torch.Tensor, _: torch.Tensor, i: int = i, asked: list[torch.Tensor] = asked) -> torch.Tensor:
                asked.append(x)
                return golden["model_out"][i : i + 1]

            sample(model, golden["x_t"][i : i + 1], timesteps=[t, t - 1])
            torch.testing.assert_close(asked[1], golden["ddim_step"][i : i + 1], atol=1e-4, rtol=1e-4)


def test_respacing() -> None:
    golden = np.load(GOLDEN / "reference_tiny_io.npz")
    assert list(respace("20"))[::-1] == golden["timestep_map_20"].tolist()
