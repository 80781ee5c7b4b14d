"""The sizes of a reference network, worked out from its tensors."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import torch
from torch import Tensor

from t2w.adapters import AdapterSpec
from t2w.errors import T2WError
from t2w.generator.reference import ReferenceConfig, ReferenceTransformer, SplitPolicy, chunk_sizes
from t2w.interop.reference_adapters import LOGIT_SCALE

__all__ = ["build_from"]

_FOREIGN = "the state dict of a reference network"


def build_from(
    state: Mapping[str, Any], *, where: str, n_head: int, spec: AdapterSpec | None = None
) -> ReferenceTransformer:
    """The network whose state dict this is, in eval mode, with a copy of the weights.

    Args:
        where: the file and the part of it, for the errors' sentences.
        n_head: attention heads, which no tensor tells; in the training configuration `transformer.n_head`.
        spec: the adapters it writes. None: those of the right size whose output is as long as the text embedding,
            in the first place those whose input is too (512-h-512 for ResNet-18 and CLIP).

    Raises:
        T2WError: not a whole network of this architecture, or an `n_head` that does not divide its width.
    """
    config = _config_of(state, where, n_head, spec)
    with torch.device("meta"):
        network = ReferenceTransformer(config)
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    for name in dict.fromkeys([*expected, *state]):
        found = tuple(state[name].shape) if isinstance(state.get(name), Tensor) else "absent"
        if found != (wanted := expected.get(name, "absent")):
            raise T2WError(
                f"{where}: tensor {name} is {found}",
                expected=f"{wanted}, by the sizes of the other tensors",
                fix="the file was altered, or is of another architecture",
            )
        if not torch.isfinite(state[name]).all():
            raise T2WError(f"{where}: tensor {name} holds NaN or infinity", fix="take an earlier checkpoint")
    # A copy: the tensors of the file may be mapped, and would change when it is written again.
    network.load_state_dict({name: value.float().clone() for name, value in state.items()}, assign=True)
    return network.requires_grad_(True).eval()


def _config_of(state: Mapping[str, Any], where: str, n_head: int, spec: AdapterSpec | None) -> ReferenceConfig:
    inputs, outputs = _projections(state, "input"), _projections(state, "output")
    position, frequencies = state.get("decoder.pos_emb"), state.get("scalar_embedder.frequencies")
    for what, found, ndim in (("decoder.pos_emb", position, 3), ("scalar_embedder.frequencies", frequencies, 1)):
        if not isinstance(found, Tensor) or found.ndim != ndim:
            raise T2WError(f"{where} has no tensor {what}", expected=_FOREIGN)
    if not inputs or not outputs:
        raise T2WError(f"{where} has {len(inputs)} input and {len(outputs)} output projections", expected=_FOREIGN)
    assert isinstance(position, Tensor)
    assert isinstance(frequencies, Tensor)
    sizes = [weights[0].shape[1] for weights in inputs], [weights[-1].shape[0] for weights in outputs]
    text_dim = sum(sizes[0]) - sum(sizes[1]) - 2 * len(frequencies) - 1
    highest = math.log2(max(float(frequencies[-1]), 1.0))
    for policy in get_args(SplitPolicy):
        for candidate in [spec] if spec else _specs(sum(sizes[1]), text_dim):
            config = ReferenceConfig(
                spec=candidate,
                text_dim=text_dim,
                n_embd=position.shape[2],
                n_layer=len({name.split(".")[2] for name in state if name.startswith("decoder.blocks.")}),
                n_head=n_head,
                chunk_size=max(sizes[0]),
                split_policy=policy,
                encoder_depth=len(inputs[0]),
                decoder_depth=len(outputs[0]),
                num_frequencies=len(frequencies),
                # Stored in single precision; one frequency alone does not tell where the others would have ended.
                max_freq_log2=round(highest, 4) or ReferenceConfig.max_freq_log2,
            )
            if chunk_sizes(config) == sizes:
                return config
    raise T2WError(
        f"{where} writes {sum(sizes[1])} weights in {len(sizes[1])} chunks from a text of {text_dim} numbers",
        expected=f"the chunks of an adapter {spec}" if spec else "those of a two-layer adapter into the text's space",
        fix="give the adapter's sizes with spec=AdapterSpec(...)",
    )


def _projections(state: Mapping[str, Any], which: str) -> list[list[Tensor]]:
    """The weights of each token's projection, in order."""
    pattern = re.compile(rf"decoder\.{which}_parameter_projections\.(\d+)\.(\d+)\.weight")
    found: dict[int, dict[int, Tensor]] = {}
    for name, value in state.items():
        if (match := pattern.fullmatch(name)) and isinstance(value, Tensor) and value.ndim == 2:
            found.setdefault(int(match[1]), {})[int(match[2])] = value
    return [[layers[i] for i in sorted(layers)] for _, layers in sorted(found.items())]


def _specs(size: int, text_dim: int) -> Iterator[AdapterSpec]:
    """Adapters of `size` weights into a space of `text_dim`, first the one whose input has as many numbers."""
    if text_dim < 1 or size <= text_dim:
        return
    rest = size - text_dim  # = hidden (in + 1 + out)
    hidden = [h for h in range(1, rest // (text_dim + 2) + 1) if rest % h == 0]
    specs = [AdapterSpec(rest // h - 1 - text_dim, h, text_dim, LOGIT_SCALE) for h in hidden]
    yield from sorted(specs, key=lambda spec: spec.in_features != text_dim)
