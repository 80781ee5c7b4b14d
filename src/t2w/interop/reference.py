"""The reference's generator checkpoints, `results/<name>/checkpoints/best.pt`, read and written.

A checkpoint is {"G", "optim", "G_ema"}: the network's state dict as it is trained, the optimiser's, and the moving
average of the network's parameters, which is absent where none was kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from t2w.adapters import AdapterSpec
from t2w.errors import T2WError
from t2w.generator import Generator, Normalizer
from t2w.generator.reference import ReferenceTransformer
from t2w.interop.reference_sizes import build_from
from t2w.interop.torch_files import described, load_torch, save_torch

__all__ = ["COEFFICIENT", "coefficient_of", "load_generator", "load_reference_generator", "save_generator"]

COEFFICIENT = 1.646  # dataset.openai_coeff of all the reference's configurations
_WHAT = 'a generator checkpoint of the reference: a dict with "G" (and "optim", "G_ema")'


def load_generator(
    path: str | Path, *, n_head: int, weights: Literal["G", "G_ema"] = "G", spec: AdapterSpec | None = None
) -> ReferenceTransformer:
    """The network in a checkpoint of the reference, in eval mode on the CPU.

    Called as `model(x_t, t, cond)`: x_t (N, P) float32, normalised by the reference's coefficient; t (N,) integer,
    0 .. 999; cond (N, C) float32. Gives the prediction of x_0, (N, P).

    Args:
        path: the .pt file. Nothing in it is executed.
        n_head: attention heads: `transformer.n_head` of the config.yaml beside it. The file does not say.
        weights: "G", as trained, which is what the reference samples with; or "G_ema", their moving average.
        spec: the adapters it writes; None: worked out (see `build_from`).

    Raises:
        T2WError: missing, damaged, not a checkpoint of this architecture, holding anything but data, without the
            weights asked for, or with an `n_head` that does not divide its width.
    """
    checkpoint = load_torch(path, what=_WHAT)
    if not isinstance(checkpoint, Mapping) or "G" not in checkpoint:
        raise T2WError(f"{path} holds {described(checkpoint)}", expected=_WHAT)
    if weights not in checkpoint:
        raise T2WError(
            f"{path} has no {weights}",
            expected='"G", or "G_ema" of a run with transformer.ema',
            fix='load it with weights="G"',
        )
    state = checkpoint[weights]
    if not isinstance(state, Mapping):
        raise T2WError(f"{path} has {described(state)} as {weights}", expected="a state dict")
    return build_from(state, where=f"{path}, {weights}", n_head=n_head, spec=spec)


def load_reference_generator(
    path: str | Path,
    *,
    n_head: int,
    weights: Literal["G", "G_ema"] = "G",
    coefficient: float = COEFFICIENT,
    spec: AdapterSpec | None = None,
    identity: Mapping[str, Any] | None = None,
) -> Generator:
    """A checkpoint of the reference as a `Generator`, to sample with, score and save.

    Args:
        coefficient: what adapter weights were multiplied by in training: `dataset.openai_coeff`; 1 where
            `dataset.normalizer` was none.
        identity: what it was trained with, stored as is; None: only where it came from.

    For the others, and what is raised, see `load_generator`.
    """
    network = load_generator(path, n_head=n_head, weights=weights, spec=spec)
    normalizer = Normalizer.scaled(network.config.spec.size, coefficient)
    origin = {"name": Path(path).name, "weights": weights, "imported": "the reference"}
    return Generator(network, normalizer, {**origin, **(identity or {})})


def save_generator(generator: Generator, path: str | Path) -> None:
    """Write a generator so that the reference can read it, with the state of an optimiser that has made no step.

    The normaliser is not in such a file: the reader's `dataset.openai_coeff` has to be `coefficient_of(generator)`.
    Raises T2WError where network or normaliser are not the reference's.
    """
    network = generator.network
    if not isinstance(network, ReferenceTransformer):
        raise T2WError(
            "this generator's network is not the reference's, which has no tensors for it",
            expected="one trained with generator.kind=reference",
        )
    coefficient_of(generator)
    state = OrderedDict((name, value.detach().cpu().contiguous()) for name, value in network.state_dict().items())
    save_torch(path, {"G": state, "optim": _optimizer_state(network), "G_ema": state})


def coefficient_of(generator: Generator) -> float:
    """What the generator's normaliser multiplies weights by. Raises T2WError where it does more."""
    normalizer = generator.normalizer
    if isinstance(normalizer, Normalizer):
        shift, std = normalizer.base + normalizer.mean, normalizer.std
        if not bool(shift.any()) and torch.equal(std, std[:1].expand_as(std)):
            return 1 / float(std[0])
    raise T2WError(
        "this generator's normaliser has a base, a mean or a spread per weight",
        expected="one coefficient, which is all the reference can undo",
        fix="train with generator.normalizer=coefficient",
    )


def _optimizer_state(network: nn.Module) -> dict[str, Any]:
    """As the reference lays it out: the decayed matrices of linear layers, then the rest, each sorted by name."""
    named = dict(sorted(network.named_parameters()))
    matrices = {f"{name}.weight" for name, module in network.named_modules() if isinstance(module, nn.Linear)}
    groups: list[dict[str, Any]] = [
        {"params": [value for name, value in named.items() if (name in matrices) == decayed], "weight_decay": decay}
        for decayed, decay in ((True, 0.1), (False, 0.0))
    ]
    return torch.optim.AdamW(groups, lr=4e-4).state_dict()
