"""A trained generator: the network, the normaliser, and what it was trained with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from t2w.adapters import AdapterSpec
from t2w.concepts import Concepts, Evidence
from t2w.diffusion import Denoiser, Samples, linear_schedule, sample
from t2w.errors import T2WError
from t2w.generator.build import Network, NetworkConfig
from t2w.generator.condition import Condition, condition_of, condition_of_evidence, without_text
from t2w.generator.config import UnitConfig
from t2w.generator.network import WeightTransformer
from t2w.generator.normalizer import Normalizer, UnitNormalizer
from t2w.generator.sampling import Sampling, distance_to_known, share_kept
from t2w.seeds import derive_seed

__all__ = ["Generator"]

_BATCH = 64  # tasks per call of the network: memory stays flat, and larger gains nothing on a CPU


class Generator:
    """Writes adapter weights from text.

    Args:
        network: the x_0-predictor, with the weights to sample with.
        normalizer: between adapter weights and what the network sees.
        provenance: what it was trained with: names of classes and encoders, how it is sampled; stored as is.
        known: (C, text_dim) the class texts it was trained with; None where they are not known.
        concepts: what its image encoder knows by name, less what was withheld; None where adapters start from no
            evidence.
    """

    def __init__(
        self,
        network: Network,
        normalizer: Normalizer | UnitNormalizer,
        provenance: Mapping[str, Any] | None = None,
        known: Tensor | None = None,
        concepts: Concepts | None = None,
    ) -> None:
        self.network = network.eval()
        self.normalizer = normalizer.to(next(network.parameters()).device)
        self.provenance: dict[str, Any] = dict(provenance or {})
        self.known = None if known is None else known.detach().float()
        self.concepts = concepts

    @property
    def config(self) -> NetworkConfig:
        return self.network.config

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    @property
    def sampling(self) -> Sampling:
        """How it was sampled when it was scored; the defaults where it was not."""
        return Sampling.stored(self.provenance.get("sampling", {}))

    def to(self, device: torch.device | str) -> Generator:
        """Move to a device, in place."""
        self.network.to(device)
        self.normalizer.to(device)
        return self

    def save(self, path: str | Path) -> None:
        """Write one safetensors file: network, normaliser, known texts, concepts; config and provenance as metadata."""
        from t2w.generator.files import save_generator

        save_generator(self, path)

    @classmethod
    def load(cls, path: str | Path, *, device: torch.device | str = "cpu") -> Generator:
        """Read what `save` wrote.

        Raises:
            T2WError: missing, truncated, not a generator, of a newer format, or with tensors of other sizes.
        """
        from t2w.generator.files import load_generator

        return load_generator(path).to(device)

    def condition(self, classes: Tensor | Evidence, tasks: Sequence[Sequence[int]] | None = None) -> Condition:
        """The condition this generator wants.

        Args:
            classes: the class texts (C, text_dim), or the evidence of C classes where adapters start from it.
            tasks: positions in `classes` per task; None for one task of all.
        """
        wants = isinstance(self.config, UnitConfig)
        if isinstance(classes, Evidence) != wants:
            found, expected = ("texts alone", "evidence") if wants else ("evidence", "texts")
            raise T2WError(f"a condition of {found}", expected=f"{expected}, as this generator was trained with")
        if isinstance(classes, Evidence):
            return condition_of_evidence(classes, tasks)
        return condition_of(classes, tasks, conditioning=self.config.conditioning)

    def spec_for(self, condition: Condition) -> AdapterSpec:
        """The sizes of the adapters of these tasks."""
        return self.config.spec_for(condition.mask.shape[1])

    def denoiser(self, condition: Condition, *, guidance: float = Sampling.guidance) -> Denoiser:
        """x_t (N, P), t (N,) -> x0_hat (N, P) in normalised space, for these N conditions.

        With guidance w other than 1: x0_u + w (x0_c - x0_u), with and without text.
        """
        condition = condition.to(self.device)
        predict = self._predictor(condition)
        if guidance == 1.0:
            return predict
        silent = self._predictor(without_text(condition, torch.ones(len(condition), dtype=torch.bool).to(self.device)))

        def guided(x_t: Tensor, t: Tensor) -> Tensor:
            unconditional = silent(x_t, t)
            return unconditional + guidance * (predict(x_t, t) - unconditional)

        return guided

    def _predictor(self, condition: Condition) -> Denoiser:
        """The network with these conditions; what it takes from the text is made once for all steps."""
        if isinstance(self.network, WeightTransformer):
            return partial(self.network, condition=condition, text=self.network.read(condition))
        return partial(self.network, condition=condition)

    def generate(
        self,
        condition: Condition,
        sampling: Sampling | None = None,
        *,
        seed: int = 0,
        progress: Callable[[int], None] | None = None,
        **changes: Any,
    ) -> Tensor:
        """Adapter weights (N, P) float32 on the CPU, one vector per condition.

        Args:
            sampling: how; None for the defaults of `Sampling`.
            seed: of the noise. Row i depends on (seed, i) and its own condition (with evidence, padded as it is), not
                on the other rows, whatever the sampler; equal but for rounding.
            progress: called with the number of vectors done since the last call; None for no calls.
            changes: fields of `sampling` to change, such as steps=1.

        Raises:
            T2WError: unknown sampler, impossible number of steps, text of another size, or a fallback distance for a
                generator that does not know what it was trained with.
        """
        how = replace(sampling or Sampling(), **changes)
        kept = self._share_kept(condition, how)
        found = []
        for start in range(0, len(condition), _BATCH):
            found.append(self._weights(self._sample(condition, start, seed, how).x_0, condition, start, kept))
            if progress is not None:
                progress(len(found[-1]))
        return torch.cat(found)

    def trajectory(
        self, condition: Condition, sampling: Sampling | None = None, *, seed: int = 0, **changes: Any
    ) -> tuple[Tensor, Tensor, tuple[int, ...]]:
        """The adapters of every step, the noisy ones that it leaves, and the S timesteps.

        The first (S, N, P) are what a step predicts, the last as `generate` has it; the second (S, N, P) its x_t.
        """
        how = replace(sampling or Sampling(), **changes)
        kept = self._share_kept(condition, how)
        parts = [self._sample(condition, start, seed, how, keep=True) for start in range(0, len(condition), _BATCH)]

        def adapters(steps: list[Tensor | None]) -> Tensor:  # each (S, part of N, P)
            batches = zip(*(step for step in steps if step is not None), strict=True)
            weights = (
                [self._weights(x, condition, i * _BATCH, kept) for i, x in enumerate(batch)] for batch in batches
            )
            return torch.stack([torch.cat(batch) for batch in weights])

        predicted, noisy = adapters([p.trajectory for p in parts]), adapters([p.states for p in parts])
        return predicted, noisy, parts[0].timesteps

    def _weights(self, x_0: Tensor, condition: Condition, start: int, kept: Tensor) -> Tensor:
        """(N, P) adapters of normalised ones, those of the tasks from `start` on; of the way from base `kept` stays."""
        some = slice(start, start + len(x_0))
        vectors = self.normalizer.denormalize(x_0, condition.rows(some).to(self.device)).cpu()
        share = kept[some, None]
        if isinstance(self.normalizer, UnitNormalizer) or bool((share == 1).all()):
            return vectors
        base = self.normalizer.base.cpu()
        return torch.where(share < 1, base + share * (vectors - base), vectors)

    def _share_kept(self, condition: Condition, how: Sampling) -> Tensor:
        """(N,) on the CPU."""
        if how.fallback_distance is None:
            return torch.ones(len(condition))
        if self.known is None or self.config.conditioning != "classes":
            raise T2WError(
                "this generator cannot tell which texts are new to it, so it takes no fallback distance",
                expected="one trained by this version of t2w, with one text token per class",
                fix="leave diffusion.fallback_distance at null, or train it again",
            )
        return share_kept(distance_to_known(condition.to("cpu"), self.known.cpu()), how.fallback_distance)

    @torch.inference_mode()
    def _sample(self, condition: Condition, start: int, seed: int, how: Sampling, *, keep: bool = False) -> Samples:
        part = condition.rows(slice(start, start + _BATCH))
        rows, size = range(start, start + len(part)), self.spec_for(part).size
        x_T = torch.stack([torch.randn(size, generator=_noise(seed, "x_T", i)) for i in rows])
        return sample(
            self.denoiser(part, guidance=how.guidance),
            x_T.to(self.device),
            sampler=how.sampler,
            steps=how.steps,
            timesteps=how.respacing,
            schedule=linear_schedule(self.config.timesteps),
            generator=[_noise(seed, "sampler", i, self.device) for i in rows],
            trajectory=keep,
        )


def _noise(seed: int, purpose: str, row: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A source of noise of its own for each row, so that it does not matter which rows are made together."""
    return torch.Generator(device).manual_seed(derive_seed(seed, purpose, row))
