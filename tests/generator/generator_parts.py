"""Sizes and numbers shared by the tests of this room."""

from __future__ import annotations

import torch

from t2w.adapters import AdapterSpec

SPEC = AdapterSpec(in_features=6, hidden=3, out_features=5, logit_scale=20.0)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
