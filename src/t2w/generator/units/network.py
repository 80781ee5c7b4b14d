"""The diffusion transformer of one hidden unit per class: evidence in, unit weights out.

A token per class is its evidence and its unit's noisy weights at once; one more stands for the output bias, one for the
timestep. There are no positions: classes are a set. Shapes: N tasks, n classes, d features, t numbers per text,
e = n_embd.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2w.adapters import AdapterSpec
from t2w.adapters.units import Units, to_units, to_vector, unit_spec
from t2w.diffusion import linear_schedule
from t2w.errors import T2WError
from t2w.generator.condition import Condition
from t2w.generator.config import UnitConfig
from t2w.generator.network import Block, sinusoids

__all__ = ["UnitTransformer"]


class UnitTransformer(nn.Module):
    """Predicts x_0 (N, P) from x_t (N, P), t (N,) and a Condition with evidence.

    What the text leaves open is taken from x_t as in `WeightTransformer`; m, the answer from the evidence, is

        m_k = (1 - variance_k)^caution  head(token_k)  +  [B A p_k + c p_k, 0, 0]

    The linear map B A of low rank works on every class alike and reaches classes never seen; what the transformer adds
    it has learnt of the classes trained on, and it is let in only as far as the evidence is sure. Both begin at zero.
    """

    alpha_bar: Tensor

    def __init__(self, config: UnitConfig) -> None:
        super().__init__()
        self.config, e, d, t = config, config.n_embd, config.spec.in_features, config.text_dim
        self.text, self.row, self.sure = nn.Linear(t, e), nn.Linear(d, e), nn.Linear(2, e)
        self.noisy_unit, self.noisy_bias = nn.Linear(d + 1 + t, e), nn.Linear(t, e)
        self.time = nn.Sequential(nn.Linear(e, e), nn.SiLU(), nn.Linear(e, e))
        self.blocks = nn.ModuleList(Block(e, config.n_head, 0.0) for _ in range(config.n_layer))
        self.ln_f = nn.LayerNorm(e)
        self.unit_head, self.bias_head = nn.Linear(e, d + 1 + t), nn.Linear(e, t)
        self.map_in, self.map_out = nn.Linear(d, config.rank, bias=False), nn.Linear(config.rank, d, bias=False)
        self.map_scale = nn.Parameter(torch.zeros(()))
        for layer in (self.noisy_unit, self.noisy_bias, self.unit_head, self.bias_head, self.map_out):
            for parameter in layer.parameters():
                nn.init.zeros_(parameter)
        alpha_bar = linear_schedule(config.timesteps).alpha_bar.float()
        self.register_buffer("alpha_bar", alpha_bar, persistent=False)

    def forward(self, x_t: Tensor, t: Tensor, condition: Condition) -> Tensor:
        """Predict x_0.

        Raises:
            T2WError: weights of another size than the condition's classes need, or a condition without evidence.
        """
        spec = self.spec_for(condition)
        evidence, variance = self._checked(x_t, condition, spec)
        alpha_bar = self.alpha_bar[t][:, None]  # (N, 1)
        k = alpha_bar * self.config.residual**2
        k = k / (k + 1 - alpha_bar)
        noisy = to_units(spec, alpha_bar.sqrt() * x_t)
        tokens = self._tokens(condition, evidence, variance) + self.noisy_unit(self._narrow(noisy.units))
        bias = self.noisy_bias(self._narrow(noisy.bias))
        time = self.time(sinusoids(t, self.config.n_embd))
        x = torch.cat([tokens, bias[:, None], time[:, None]], dim=1)  # (N, n + 2, e)
        mask = F.pad(condition.mask, (0, 2), value=True)
        for block in self.blocks:
            x = block(x, None, mask)
        x = self.ln_f(x)
        sure = (1 - variance)[..., None] ** self.config.caution
        mapped = self.map_out(self.map_in(evidence)) + self.map_scale * evidence
        units = sure * self.unit_head(x[:, :-2])
        units = torch.cat([units[..., : mapped.shape[-1]] + mapped, units[..., mapped.shape[-1] :]], dim=-1)
        units = units * condition.mask[..., None]
        answer = Units(self._wide(units, noisy.units), self._wide(self.bias_head(x[:, -2]), noisy.bias))
        m = to_vector(answer).float()
        return (1 - k) * m + k * x_t / alpha_bar.sqrt()

    def _checked(self, x_t: Tensor, condition: Condition, spec: AdapterSpec) -> tuple[Tensor, Tensor]:
        if condition.evidence is None or condition.variance is None:
            raise T2WError(
                "a condition of texts alone", expected="evidence for every class: this generator starts from it"
            )
        shapes = (condition.evidence.shape[-1], condition.tokens.shape[-1], x_t.shape[-1])
        wanted = (spec.in_features, self.config.text_dim, spec.size)
        if shapes != wanted:
            raise T2WError(
                f"evidence of {shapes[0]}, texts of {shapes[1]} and weights of {shapes[2]} numbers",
                expected=f"{wanted[0]}, {wanted[1]} and {wanted[2]}",
                fix="use the encoders the generator was trained with",
            )
        if len(condition) != len(x_t):
            raise T2WError(f"{len(condition)} conditions for {len(x_t)} weight vectors", expected="one condition each")
        return condition.evidence, condition.variance

    def spec_for(self, condition: Condition) -> AdapterSpec:
        """The sizes of the adapters of these tasks: a hidden unit for each class of the largest."""
        return unit_spec(self.config.spec, condition.mask.shape[1])

    def _tokens(self, condition: Condition, evidence: Tensor, variance: Tensor) -> Tensor:
        """(N, n, e). Unit vectors of m numbers have entries of about m^-1/2; at about 1 they suit the network."""
        text = condition.tokens * math.sqrt(self.config.text_dim)
        if self.training and self.config.mute:
            text = text * (torch.rand(len(text), 1, 1, device=text.device) >= self.config.mute)
        known = torch.stack([variance, (variance == 0).float()], dim=-1)
        return self.text(text) + self.row(evidence * math.sqrt(evidence.shape[-1])) + self.sure(known)

    def _narrow(self, values: Tensor) -> Tensor:
        """Without what class codes have beyond the texts, which the network neither sees nor changes."""
        return values[..., : values.shape[-1] - self._beyond(values)]

    def _wide(self, values: Tensor, like: Tensor) -> Tensor:
        return F.pad(values, (0, like.shape[-1] - values.shape[-1]))

    def _beyond(self, values: Tensor) -> int:
        t, d = self.config.text_dim, self.config.spec.in_features
        return values.shape[-1] - (t if values.ndim == 2 else d + 1 + t)
