"""The reference's tokens: consecutive chunks of [noisy weights | timestep | text], each with its own layers."""

from __future__ import annotations

import math
from itertools import groupby, pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2w.generator.config import ReferenceConfig

__all__ = ["chunk_sizes", "project", "projection"]


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

    Args:
        grouped: multiply neighbours of equal sizes together: fewer kernels, at the price of a copy of their weights
            (at 1024 numbers per token and 32 tasks, a third slower forward and back on one core).
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
