"""The reference's network and training step as one writes them first: what `training.py` compares with.

A loop over the token projections, attention spelled out, one file per training sample, a second pass over the data for
the discriminator, AdamW as it comes, the moving average parameter by parameter.
"""

from __future__ import annotations

import copy
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2w.generator import ReferenceConfig
from t2w.generator.reference import chunk_sizes

CLIP, DECAY = 0.1, 0.9999
PARAMETERS = ("0.weight", "0.bias", "2.weight", "2.bias")


class PlainAttention(nn.Module):
    def __init__(self, n_embd: int, n_head: int) -> None:
        super().__init__()
        self.n_head = n_head
        self.key = nn.Linear(n_embd, n_embd)
        self.query = nn.Linear(n_embd, n_embd)
        self.value = nn.Linear(n_embd, n_embd)
        self.proj = nn.Linear(n_embd, n_embd)

    def forward(self, x: Tensor) -> Tensor:
        n, m, d = x.shape
        k = self.key(x).view(n, m, self.n_head, d // self.n_head).transpose(1, 2)
        q = self.query(x).view(n, m, self.n_head, d // self.n_head).transpose(1, 2)
        v = self.value(x).view(n, m, self.n_head, d // self.n_head).transpose(1, 2)
        attention = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.shape[-1]))
        y = F.softmax(attention, dim=-1) @ v
        return self.proj(y.transpose(1, 2).contiguous().view(n, m, d))


class PlainBlock(nn.Module):
    def __init__(self, n_embd: int, n_head: int) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(n_embd)
        self.ln2 = nn.LayerNorm(n_embd)
        self.attn = PlainAttention(n_embd, n_head)
        self.mlp = nn.Sequential(nn.Linear(n_embd, 4 * n_embd), nn.GELU(), nn.Linear(4 * n_embd, n_embd))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class PlainDecoder(nn.Module):
    def __init__(self, config: ReferenceConfig) -> None:
        super().__init__()
        self.sizes, out = chunk_sizes(config)
        d = config.n_embd
        self.pos_emb = nn.Parameter(torch.zeros(1, len(self.sizes), d))
        self.blocks = nn.ModuleList([PlainBlock(d, config.n_head) for _ in range(config.n_layer)])
        self.input_parameter_projections = nn.ModuleList(
            [nn.Sequential(nn.Linear(size, d, bias=False)) for size in self.sizes]
        )
        self.ln_in = nn.LayerNorm(d)
        self.ln_f = nn.LayerNorm(d)
        self.output_parameter_projections = nn.ModuleList(
            [nn.Sequential(nn.Linear(d, size, bias=False)) for size in out]
        )

    def forward(self, x: Tensor) -> Tensor:
        tokens = []
        for chunk, layer in zip(torch.split(x, self.sizes, dim=1), self.input_parameter_projections, strict=True):
            tokens.append(layer(chunk))
        h = self.ln_in(torch.stack(tokens, dim=1)) + self.pos_emb
        for block in self.blocks:
            h = block(h)
        h = self.ln_f(h)
        chunks = []
        for i, layer in enumerate(self.output_parameter_projections):
            chunks.append(layer(h[:, i]))
        return torch.cat(chunks, dim=1)


class PlainTime(nn.Module):
    frequencies: Tensor

    def __init__(self, config: ReferenceConfig) -> None:
        super().__init__()
        self.register_buffer("frequencies", 2 ** torch.linspace(0, config.max_freq_log2, config.num_frequencies))

    def forward(self, t: Tensor) -> Tensor:
        angle = t.float()[:, None] * self.frequencies
        return torch.cat([angle.sin(), angle.cos(), t.float()[:, None]], dim=1)


class PlainTransformer(nn.Module):
    """The network of `ReferenceTransformer`, with the same names for the same weights."""

    def __init__(self, config: ReferenceConfig) -> None:
        super().__init__()
        self.decoder = PlainDecoder(config)
        self.scalar_embedder = PlainTime(config)

    def forward(self, x_t: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        return self.decoder(torch.cat([x_t, self.scalar_embedder(t), cond], dim=1))


def write_samples(folder: Path, vectors: Tensor, text: Tensor, shapes: list[tuple[int, ...]]) -> list[Path]:
    """One file per sample, as the reference has them: the adapter's four tensors, and beside them its text."""
    paths = []
    for i, (vector, condition) in enumerate(zip(vectors, text, strict=True)):
        parts = vector.split([math.prod(shape) for shape in shapes])
        tensors = {n: p.clone().view(s) for n, p, s in zip(PARAMETERS, parts, shapes, strict=True)}
        paths.append(folder / f"{i}.pt")
        torch.save({"clip_adapter": tensors, "accuracy": 0.0, "text_features": condition.clone()}, paths[-1])
    return paths


class PlainTraining:
    """Two passes over the data: one for the generator, one for the discriminator."""

    def __init__(
        self, network: PlainTransformer, paths: list[Path], alpha_bar: Tensor, coefficient: float, *, adversarial: float
    ) -> None:
        self.network, self.paths, self.coefficient, self.adversarial = network, paths, coefficient, adversarial
        self.device = next(network.parameters()).device
        self.alpha_bar = alpha_bar.float().to(self.device)
        self.ema = copy.deepcopy(network).requires_grad_(False)
        size = sum(layer[0].out_features for layer in network.decoder.output_parameter_projections)  # type: ignore[index]
        self.d = nn.Sequential(
            nn.Linear(size, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 1)
        ).to(self.device)  # fmt: skip
        decay = [p for p in network.parameters() if p.ndim == 2]
        rest = [p for p in network.parameters() if p.ndim != 2]
        groups = [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=4e-4, betas=(0.9, 0.999))
        self.d_optimizer = torch.optim.Adam(self.d.parameters(), lr=0.01, betas=(0.5, 0.999))

    def batch(self, step: int, size: int) -> tuple[Tensor, Tensor]:
        vectors, texts = [], []
        for i in range(step * size, (step + 1) * size):
            sample = torch.load(self.paths[i % len(self.paths)], weights_only=True)
            flat = torch.cat([sample["clip_adapter"][name].flatten() for name in PARAMETERS])
            vectors.append(flat * self.coefficient)
            texts.append(sample["text_features"])
        return torch.stack(vectors).to(self.device), torch.stack(texts).to(self.device)

    def predict(self, x_0: Tensor, text: Tensor) -> Tensor:
        t = torch.randint(len(self.alpha_bar), (len(x_0),), device=self.device)
        a = self.alpha_bar[t][:, None]
        x_t = a.sqrt() * x_0 + (1 - a).sqrt() * torch.randn_like(x_0)
        prediction: Tensor = self.network(x_t, t, text)
        return prediction

    def step(self, step: int, size: int) -> None:
        """One step of the generator, then one of the discriminator."""
        x_0, text = self.batch(step, size)
        prediction = self.predict(x_0, text)
        verdict = self.d(prediction)
        loss = F.mse_loss(prediction, x_0)
        loss = loss + self.adversarial * F.binary_cross_entropy_with_logits(verdict, torch.ones_like(verdict))
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        self.optimizer.step()
        with torch.no_grad():
            for average, parameter in zip(self.ema.parameters(), self.network.parameters(), strict=True):
                average.copy_(average * DECAY + parameter * (1 - DECAY))
        loss.item()

        x_0, text = self.batch(step, size)
        with torch.no_grad():
            fake = self.predict(x_0, text)
        real_logits, fake_logits = self.d(x_0), self.d(fake)
        d_loss = 0.5 * (
            F.binary_cross_entropy_with_logits(real_logits, torch.ones_like(real_logits))
            + F.binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))
        )
        self.d_optimizer.zero_grad()
        d_loss.backward()
        self.d_optimizer.step()
        d_loss.item()
