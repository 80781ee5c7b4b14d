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

from t2w.adapters.units import Units, to_units, to_vector
from t2w.diffusion import linear_schedule
from t2w.errors import T2WError
from t2w.generator.condition import Condition, check_shapes
from t2w.generator.config import UnitConfig
from t2w.generator.network import Block, preconditioned, sinusoids

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
        """Predict x_0. Raises T2WError at other sizes, or a condition without evidence."""
        spec, evidence, variance = self.config.spec_for(condition.mask.shape[1]), condition.evidence, condition.variance
        if evidence is None or variance is None:
            raise T2WError(
                "a condition of texts alone", expected="evidence for every class: this generator starts from it"
            )
        check_shapes(x_t, t, condition, spec, self.config.text_dim)
        alpha_bar = self.alpha_bar[t][:, None]  # (N, 1)
        noisy = to_units(spec, alpha_bar.sqrt() * x_t)
        # What class codes have beyond the texts is neither seen nor changed.
        unit, bias = self.unit_head.out_features, self.bias_head.out_features
        beyond = noisy.bias.shape[-1] - bias
        tokens = self._tokens(condition.tokens, evidence, variance) + self.noisy_unit(noisy.units[..., :unit])
        more = torch.stack(
            [self.noisy_bias(noisy.bias[..., :bias]), self.time(sinusoids(t, self.config.n_embd))], dim=1
        )
        x = torch.cat([tokens, more], dim=1)  # (N, n + 2, e)
        mask = F.pad(condition.mask, (0, 2), value=True)
        for block in self.blocks:
            x = block(x, None, mask)
        x = self.ln_f(x)
        sure = (1 - variance)[..., None] ** self.config.caution
        mapped = self.map_out(self.map_in(evidence)) + self.map_scale * evidence
        units = sure * self.unit_head(x[:, :-2])
        units = torch.cat([units[..., : mapped.shape[-1]] + mapped, units[..., mapped.shape[-1] :]], dim=-1)
        units = units * condition.mask[..., None]
        m = to_vector(Units(F.pad(units, (0, beyond)), F.pad(self.bias_head(x[:, -2]), (0, beyond)))).float()
        return preconditioned(m, x_t, alpha_bar, self.config.residual)

    def _tokens(self, text: Tensor, evidence: Tensor, variance: Tensor) -> Tensor:
        """(N, n, e). Unit vectors of m numbers have entries of about m^-1/2; at about 1 they suit the network."""
        text = text * math.sqrt(self.config.text_dim)
        if self.training and self.config.mute:
            text = text * (torch.rand(len(text), 1, 1, device=text.device) >= self.config.mute)
        known = torch.stack([variance, (variance == 0).float()], dim=-1)
        return self.text(text) + self.row(evidence * math.sqrt(evidence.shape[-1])) + self.sure(known)
