"""Weight vectors as tokens: which numbers make a token, and the projections between numbers and tokens.

A tokenizer is nothing but index tables: each (G, S) table says that G tokens hold S numbers each and where in the
vector those are. Together the tables name every position exactly once. Tokens of one table are projected together.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from t2w.adapters import AdapterSpec, unflatten
from t2w.generator.config import GeneratorConfig

__all__ = ["WeightTokens", "chunk_tables", "token_tables", "unit_tables"]


def unit_tables(spec: AdapterSpec) -> list[Tensor]:
    """One token per hidden unit, (hidden, in + 1 + out): row in, bias, column out; one for the output bias."""
    at = unflatten(spec, torch.arange(spec.size))
    units = torch.cat([at["linear1.weight"], at["linear1.bias"][:, None], at["linear2.weight"].T], dim=1)
    return [units, at["linear2.bias"][None]]


def chunk_tables(spec: AdapterSpec, chunk_size: int) -> list[Tensor]:
    """Consecutive pieces of at most `chunk_size` numbers, none crossing from one parameter to the next."""
    pieces: dict[int, list[Tensor]] = {}
    start = 0
    for _, shape in spec.layout:
        for piece in torch.arange(start, start + math.prod(shape)).split(chunk_size):
            pieces.setdefault(len(piece), []).append(piece)
        start += math.prod(shape)
    return [torch.stack(equal) for equal in pieces.values()]


def token_tables(config: GeneratorConfig) -> list[Tensor]:
    """The index tables of a config's tokenizer."""
    if config.tokenizer == "unit":
        return unit_tables(config.spec)
    return chunk_tables(config.spec, config.chunk_size)


class WeightTokens(nn.Module):
    """From weight vectors to tokens and back, batched over tokens of equal size.

    Args:
        tables: see above.
        n_embd: width of a token.
        shared: tokens of one table share their projections; else every token has its own.
    """

    order: Tensor
    inverse: Tensor

    def __init__(self, tables: list[Tensor], n_embd: int, *, shared: bool = False) -> None:
        super().__init__()
        self.shapes = [tuple(table.shape) for table in tables]
        order = torch.cat([table.flatten() for table in tables])
        # Positions in token order, and back. Both follow from the config, so neither is stored with the weights.
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("inverse", order.argsort(), persistent=False)
        own = [(1 if shared else g, s) for g, s in self.shapes]
        self.embed = nn.ParameterList([nn.Parameter(torch.empty(g, s, n_embd)) for g, s in own])
        self.head = nn.ParameterList([nn.Parameter(torch.zeros(g, n_embd, s)) for g, s in own])
        self.head_bias = nn.ParameterList([nn.Parameter(torch.zeros(g, s)) for g, s in own])
        for weight in self.embed:
            nn.init.normal_(weight, std=weight.shape[1] ** -0.5)

    @property
    def count(self) -> int:
        """M, the number of tokens."""
        return sum(g for g, _ in self.shapes)

    def encode(self, x: Tensor) -> Tensor:
        """(N, P) numbers to (N, M, n_embd) tokens."""
        pieces = x[:, self.order].split([g * s for g, s in self.shapes], dim=1)
        tokens = [
            _projected(piece.unflatten(1, shape), weight)
            for piece, shape, weight in zip(pieces, self.shapes, self.embed, strict=True)
        ]
        return torch.cat(tokens, dim=1)

    def decode(self, tokens: Tensor) -> Tensor:
        """(N, M, n_embd) tokens to (N, P) numbers. Zero before training."""
        pieces = tokens.split([g for g, _ in self.shapes], dim=1)
        numbers = [
            (_projected(piece, weight) + bias).flatten(1)
            for piece, weight, bias in zip(pieces, self.head, self.head_bias, strict=True)
        ]
        return torch.cat(numbers, dim=1)[:, self.inverse]


def _projected(x: Tensor, weight: Tensor) -> Tensor:
    """(N, G, a) by (G, a, b), one matrix per token, or by (1, a, b), one for all, to (N, G, b)."""
    return x @ weight[0] if len(weight) == 1 else torch.einsum("nga,gab->ngb", x, weight)
