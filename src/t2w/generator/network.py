"""The diffusion transformer: from noisy weights, a timestep and text tokens to clean weights.

Reads top to bottom: attention, block, timestep embedding, network. Shapes: N tasks, M weight tokens, n text tokens,
d = n_embd, P numbers.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2w.diffusion import linear_schedule
from t2w.generator.condition import Condition, check_shapes
from t2w.generator.config import GeneratorConfig
from t2w.generator.tokens import WeightTokens, token_tables

__all__ = ["Block", "WeightTransformer", "preconditioned", "sinusoids"]

KeysValues: TypeAlias = tuple[Tensor, Tensor]  # (N, heads, tokens, d/heads) each


class Attention(nn.Module):
    """Weight and time tokens attend to themselves and to the text tokens; queries and keys are RMS-normalised."""

    def __init__(self, n_embd: int, n_head: int) -> None:
        super().__init__()
        self.n_head = n_head
        self.query = nn.Linear(n_embd, n_embd)
        self.key_value = nn.Linear(n_embd, 2 * n_embd)
        self.out = nn.Linear(n_embd, n_embd)

    def forward(self, x: Tensor, text: KeysValues | None, mask: Tensor) -> Tensor:
        q = self._heads(self.query(x))  # (N, heads, M+1, d/heads)
        k, v = self.read(x)
        if text is not None:
            k, v = torch.cat([k, text[0]], dim=2), torch.cat([v, text[1]], dim=2)  # (N, heads, M+1+n, d/heads)
        y = F.scaled_dot_product_attention(F.rms_norm(q, q.shape[-1:]), k, v, attn_mask=mask[:, None, None, :])
        return self.out(y.transpose(1, 2).flatten(-2))

    def read(self, x: Tensor) -> KeysValues:
        """Keys and values of tokens. Those of the text are the same at every sampling step."""
        k, v = (self._heads(y) for y in self.key_value(x).chunk(2, dim=-1))
        return F.rms_norm(k, k.shape[-1:]), v

    def _heads(self, y: Tensor) -> Tensor:
        return y.unflatten(-1, (self.n_head, -1)).transpose(1, 2)


class Block(nn.Module):
    """Pre-norm attention and MLP, each added to its input."""

    def __init__(self, n_embd: int, n_head: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.ln1, self.ln2 = nn.LayerNorm(n_embd), nn.LayerNorm(n_embd)
        self.attn = Attention(n_embd, n_head)
        self.mlp = nn.Sequential(nn.Linear(n_embd, 4 * n_embd), nn.GELU(), nn.Linear(4 * n_embd, n_embd))

    def forward(self, x: Tensor, text: KeysValues | None, mask: Tensor) -> Tensor:
        x = x + self.dropout(self.attn(self.ln1(x), text, mask))
        return x + self.dropout(self.mlp(self.ln2(x)))


class WeightTransformer(nn.Module):
    """Predicts x_0 (N, P) from x_t (N, P), t (N,) and a Condition.

    The network proper, F, is asked only for what x_t does not already give away (preconditioning in the manner of
    Karras et al. 2022). If the text left a Gaussian N(m, residual^2) open for x_0, the best prediction would be

        x0_hat = (1 - k) m + k x_t / sqrt(alpha_bar),   k = alpha_bar r^2 / (alpha_bar r^2 + 1 - alpha_bar),

    r = residual, so that is the form of the output, with F in the place of m: at high noise k = 0 and F alone answers
    from the text; at low noise k = 1 and x_t speaks for itself. F sees sqrt(alpha_bar) x_t, the best guess from x_t
    alone, which fades to nothing where x_t is pure noise instead of burying the text under it.
    """

    alpha_bar: Tensor

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config, d = config, config.n_embd
        tables = token_tables(config)
        self.weights = WeightTokens(tables, d, shared=config.shared or not config.position)
        # Weight tokens have places, class tokens are a set: only the former get positions. Without places a token says
        # of itself no more than which kind it is.
        self.places = None if config.position else [len(table) for table in tables]
        self.position = nn.Parameter(torch.zeros(self.weights.count if config.position else len(tables), d))
        self.time = nn.Sequential(nn.Linear(d, d), nn.SiLU(), nn.Linear(d, d))
        self.text = nn.Sequential(nn.Linear(config.text_dim, d), nn.GELU(), nn.Linear(d, d), nn.LayerNorm(d))
        self.blocks = nn.ModuleList([Block(d, config.n_head, config.dropout) for _ in range(config.n_layer)])
        self.ln_f = nn.LayerNorm(d)
        nn.init.normal_(self.position, std=1.0)
        alpha_bar = linear_schedule(config.timesteps).alpha_bar.float()
        self.register_buffer("alpha_bar", alpha_bar, persistent=False)

    def read(self, condition: Condition) -> list[KeysValues]:
        """What every block takes from the text: made once, good for every timestep."""
        # Unit-length embeddings have entries of about text_dim^-1/2; at about 1 they suit the usual initialisation.
        text = self.text(condition.tokens * math.sqrt(self.config.text_dim))  # (N, n, d)
        return [block.attn.read(text) for block in self.blocks]  # type: ignore[operator, union-attr]

    def forward(self, x_t: Tensor, t: Tensor, condition: Condition, text: list[KeysValues] | None = None) -> Tensor:
        """Predict x_0; `text` is `read(condition)`, where it was made before."""
        check_shapes(x_t, t, condition, self.config.spec, self.config.text_dim)
        text = self.read(condition) if text is None else text
        alpha_bar = self.alpha_bar[t][:, None]  # (N, 1)
        position: Tensor = self.position
        if self.places is not None:
            position = position.repeat_interleave(torch.tensor(self.places, device=position.device), dim=0)
        tokens = self.weights.encode(alpha_bar.sqrt() * x_t) + position  # (N, M, d)
        time = self.time(sinusoids(t, self.config.n_embd))[:, None]  # (N, 1, d)
        x = torch.cat([tokens, time], dim=1)
        mask = F.pad(condition.mask, (x.shape[1], 0), value=True)  # (N, M+1+n)
        for block, read in zip(self.blocks, text, strict=True):
            x = block(x, read, mask)
        m = self.weights.decode(self.ln_f(x[:, :-1])).float()  # (N, P)
        return preconditioned(m, x_t, alpha_bar, self.config.residual)


def preconditioned(m: Tensor, x_t: Tensor, alpha_bar: Tensor, residual: float) -> Tensor:
    """x0_hat (N, P) from the answer m to the text and from x_t, as `WeightTransformer` says; alpha_bar is (N, 1)."""
    k = alpha_bar * residual**2
    k = k / (k + 1 - alpha_bar)
    return (1 - k) * m + k * x_t / alpha_bar.sqrt()


def sinusoids(t: Tensor, n: int) -> Tensor:
    """(N, n) sines and cosines of t at n // 2 wavelengths from 2 pi to 10,000 x 2 pi, scaled to unit variance."""
    half = n // 2
    frequency = torch.exp(-math.log(10_000) * torch.arange(half, device=t.device) / max(half - 1, 1))
    angle = t[:, None].float() * frequency
    return F.pad(math.sqrt(2) * torch.cat([angle.sin(), angle.cos()], dim=1), (0, n - 2 * half))
