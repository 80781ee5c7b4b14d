"""The reference implementation's diffusion transformer, tensor for tensor.

Its state dict has the reference's names, shapes and order, so that either can read the other's weights. Reads top to
bottom: chunks and their projections, timestep embedding, attention, block, decoder, network. Its tokens are consecutive
chunks of [noisy weights | timestep | text], each with layers of its own. N tasks, M tokens, d = n_embd, P numbers.
"""

from __future__ import annotations

import math
from itertools import groupby, pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2w.errors import T2WError
from t2w.generator.condition import Condition, check_shapes
from t2w.generator.config import ReferenceConfig, SplitPolicy

__all__ = ["ReferenceConfig", "ReferenceTransformer", "SplitPolicy", "chunk_sizes", "project"]


def chunk_sizes(config: ReferenceConfig) -> tuple[list[int], list[int]]:
    """Numbers per token: of the input (weights, 2 num_frequencies + 1 of the timestep, text_dim) and of the output.

    Output token i is written from input token i; the input has more.
    """
    weight_1, bias_1, weight_2, bias_2 = (math.prod(shape) for _, shape in config.spec.layout)
    layers = [[weight_1, bias_1], [weight_2, bias_2]]
    conditions = [[2 * config.num_frequencies + 1], [config.text_dim]]
    return _split(layers + conditions, config), _split(layers, config)


def _split(groups: list[list[int]], config: ReferenceConfig) -> list[int]:
    """Sizes of the chunks of some groups (a layer's weight and bias, or one condition) of consecutive numbers."""
    pieces = [size for group in groups for size in group]
    if config.split_policy == "layer_by_layer":
        return pieces
    whole = {
        "chunk_within_layer": pieces,
        "chunk_within_input": [sum(group) for group in groups],
        "chunk": [sum(pieces)],
    }[config.split_policy]
    return [min(config.chunk_size, n - start) for n in whole for start in range(0, n, config.chunk_size)]


def projection(widths: list[int]) -> nn.Sequential:
    """Linear layers without biases from each width to the next, GELU between them."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.GELU()] * bool(layers) + [nn.Linear(n_in, n_out, bias=False)]
    return nn.Sequential(*layers)


def project(layers: nn.ModuleList, tokens: list[Tensor], *, grouped: bool) -> list[Tensor]:
    """Each token (N, n_i) through its own layers: a list of (N, m_i).

    `grouped` multiplies neighbours of equal sizes together: fewer kernels, at the price of a copy of their weights (at
    1024 numbers per token and 32 tasks, a third slower forward and back on one core).
    """
    if not grouped:
        return [layer(token) for layer, token in zip(layers, tokens, strict=True)]
    found: list[Tensor] = []
    for _, run in groupby(range(len(tokens)), key=lambda i: [w.shape for w in layers[i].parameters()]):
        numbers = list(run)
        x = torch.stack([tokens[i] for i in numbers])  # (G, N, n)
        for depth, weights in enumerate(zip(*(layers[i].parameters() for i in numbers), strict=True)):
            x = torch.bmm(F.gelu(x) if depth else x, torch.stack(weights).mT)  # (G, N, m)
        found += x.unbind()
    return found


class TimeEmbedding(nn.Module):
    """t (N,) to (N, 2F + 1): sines and cosines of t at F frequencies from 1 to 2^max_freq_log2, and t itself."""

    frequencies: Tensor

    def __init__(self, num_frequencies: int, max_freq_log2: float) -> None:
        super().__init__()
        # Stored with the weights: 2^14 times 999 is beyond what float32 sines forgive, so no bit may differ.
        # On the CPU, as a device's own powers of 2 may differ, too.
        exponents = torch.linspace(0, max_freq_log2, num_frequencies, device="cpu")
        self.register_buffer("frequencies", 2**exponents)

    def forward(self, t: Tensor) -> Tensor:
        t = t.to(self.frequencies.dtype)[:, None]  # (N, 1)
        angle = t * self.frequencies
        return torch.cat([angle.sin(), angle.cos(), t], dim=1)


class Attention(nn.Module):
    """Every token attends to every token."""

    def __init__(self, n_embd: int, n_head: int, dropout: float) -> None:
        super().__init__()
        self.n_head, self.dropout = n_head, dropout
        self.key = nn.Linear(n_embd, n_embd)
        self.query = nn.Linear(n_embd, n_embd)
        self.value = nn.Linear(n_embd, n_embd)
        self.proj = nn.Linear(n_embd, n_embd)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            linear(x).unflatten(-1, (self.n_head, -1)).transpose(1, 2)  # (N, heads, M, d/heads)
            for linear in (self.query, self.key, self.value)
        )
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout if self.training else 0.0)
        return self.proj(y.transpose(1, 2).flatten(-2))


class Block(nn.Module):
    """Pre-norm attention and MLP, each added to its input."""

    def __init__(self, n_embd: int, n_head: int, dropout: float) -> None:
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(n_embd), nn.LayerNorm(n_embd)
        self.attn = Attention(n_embd, n_head, dropout)
        self.mlp = nn.Sequential(nn.Linear(n_embd, 4 * n_embd), nn.GELU(), nn.Linear(4 * n_embd, n_embd))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attn(self.ln1(x)))
        return x + self.dropout(self.mlp(self.ln2(x)))


class Decoder(nn.Module):
    """Chunks to tokens, through the blocks, and the tokens of the weights back to chunks."""

    def __init__(self, config: ReferenceConfig) -> None:
        super().__init__()
        self.sizes, out = chunk_sizes(config)
        d = config.n_embd
        # Registered in the reference's order, which is that of its state dict.
        self.pos_emb = nn.Parameter(torch.zeros(1, len(self.sizes), d))
        self.blocks = nn.ModuleList([Block(d, config.n_head, config.dropout) for _ in range(config.n_layer)])
        to_token = [[size] + [d] * config.encoder_depth for size in self.sizes]
        self.input_parameter_projections = nn.ModuleList(map(projection, to_token))
        self.ln_in, self.ln_f = nn.LayerNorm(d), nn.LayerNorm(d)
        to_chunk = [[d] * config.decoder_depth + [size] for size in out]
        self.output_parameter_projections = nn.ModuleList(map(projection, to_chunk))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, numbers: Tensor) -> Tensor:
        # One by one on a processor, where copying the weights costs more than it gains (see `project`).
        grouped = numbers.device.type != "cpu"
        tokens = project(self.input_parameter_projections, list(numbers.split(self.sizes, dim=1)), grouped=grouped)
        x = self.dropout(self.ln_in(torch.stack(tokens, dim=1)) + self.pos_emb)  # (N, M, d)
        for block in self.blocks:
            x = block(x)
        tokens = list(self.ln_f(x).unbind(dim=1)[: len(self.output_parameter_projections)])
        return torch.cat(project(self.output_parameter_projections, tokens, grouped=grouped), dim=1)  # (N, P)


class ReferenceTransformer(nn.Module):
    """Predicts x_0 (N, P) from x_t (N, P), t (N,) and one text embedding per task.

    Initial weights: linear layers N(0, 0.02), biases and positions zero.
    """

    def __init__(self, config: ReferenceConfig) -> None:
        super().__init__()
        self.config = config
        self.decoder = Decoder(config)
        self.scalar_embedder = TimeEmbedding(config.num_frequencies, config.max_freq_log2)
        for module in self.modules():
            # Drawing on the meta device draws nothing, after importing for ten seconds.
            if isinstance(module, nn.Linear) and not module.weight.is_meta:
                nn.init.normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x_t: Tensor, t: Tensor, condition: Condition | Tensor) -> Tensor:
        """The prediction (N, P) float32.

        Args:
            x_t: (N, P) noisy weights, normalised.
            t: (N,) timesteps 0 .. T-1, of the whole schedule (not counted in sampling steps).
            condition: N pooled conditions, one token each; or, as the reference has them, a tensor (N, text_dim).
        """
        if isinstance(condition, Tensor):
            condition = Condition(condition[:, None], torch.ones(len(condition), 1, dtype=torch.bool))
        if condition.tokens.shape[1] != 1:
            raise T2WError(
                f"conditions of up to {condition.tokens.shape[1]} tokens",
                expected="one token per task, as the reference network has it",
                fix='make the condition with conditioning="pooled"',
            )
        check_shapes(x_t, t, condition, self.config.spec, self.config.text_dim)
        return self.decoder(torch.cat([x_t, self.scalar_embedder(t), condition.tokens[:, 0]], dim=1)).float()
