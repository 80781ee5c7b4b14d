"""A learnable toy: the weights are a linear function of the mean class text, plus a little noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from t2w.adapters import AdapterSpec
from t2w.generator import Condition, GeneratorConfig, WeightTransformer, build_network, condition_of
from t2w.training import TrainSettings

SPEC = AdapterSpec(in_features=6, hidden=3, out_features=5, logit_scale=20.0)
CONFIG = GeneratorConfig(SPEC, text_dim=8, n_embd=32, n_layer=2, n_head=2, dropout=0.1)
SETTINGS = TrainSettings(
    steps=12, batch_size=8, learning_rate=3e-3, warmup=2, log_every=3, validate_every=4, checkpoint_every=4
)


@dataclass
class Setup:
    x_0: Tensor  # (T, P) normalised
    condition: Condition
    validation: tuple[Tensor, Condition]

    def network(self, seed: int = 0) -> WeightTransformer:
        return build_network(CONFIG, seed=seed)


def make_setup() -> Setup:
    rng = torch.Generator().manual_seed(0)
    text = torch.randn(12, 8, generator=rng)
    text = text / text.norm(dim=1, keepdim=True)
    tasks = [torch.randperm(12, generator=rng)[: 3 + i % 4].tolist() for i in range(60)]
    mixing = torch.randn(8, SPEC.size, generator=rng)
    x_0 = torch.stack([text[task].mean(dim=0) for task in tasks]) @ mixing
    x_0 = (x_0 - x_0.mean(dim=0)) / x_0.std(dim=0) + 0.1 * torch.randn(x_0.shape, generator=rng)
    condition = condition_of(text, tasks)
    return Setup(x_0[:50], condition.rows(slice(0, 50)), (x_0[50:], condition.rows(slice(50, 60))))
