"""A small checkpoint as the reference writes it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from t2w.adapters import AdapterSpec
from t2w.generator.reference import ReferenceConfig, ReferenceTransformer

SPEC = AdapterSpec(8, 4, 8, 100.0)
CONFIG = ReferenceConfig(SPEC, 8, n_embd=8, n_layer=2, n_head=2, chunk_size=10, num_frequencies=6)


def network(config: ReferenceConfig = CONFIG, seed: int = 0) -> ReferenceTransformer:
    torch.manual_seed(seed)
    return ReferenceTransformer(config).eval()


def checkpoint(config: ReferenceConfig = CONFIG) -> dict[str, Any]:
    """{G, optim, G_ema}, the rates numpy scalars as a cosine of numpy leaves them."""
    model = network(config)
    optim = torch.optim.AdamW(model.parameters(), lr=np.float64(3e-4)).state_dict()
    return {"G": model.state_dict(), "optim": optim, "G_ema": network(config, seed=1).state_dict()}
