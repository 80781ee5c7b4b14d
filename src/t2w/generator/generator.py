"""A trained generator: the network, the normaliser, and what it was trained with, in one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor

from t2w.adapters import AdapterSpec
from t2w.concepts import Concepts, Evidence
from t2w.diffusion import Denoiser, Sampler, Samples, linear_schedule, sample
from t2w.errors import T2WError
from t2w.files import load_tensors, save_tensors
from t2w.generator.build import Network, NetworkConfig, build_network, config_from_dict
from t2w.generator.condition import Condition, condition_of, condition_of_evidence, without_text
from t2w.generator.familiarity import distance_to_known, share_kept
from t2w.generator.network import WeightTransformer
from t2w.generator.normalizer import Normalizer
from t2w.generator.units import UnitConfig, UnitNormalizer
from t2w.seeds import derive_seed

__all__ = ["FORMAT", "VERSION", "Generator"]

FORMAT, VERSION = "t2w-generator", 3
_READABLE = (2, VERSION)  # 2: without known texts
_WHAT = "a generator saved by t2w"
_KNOWN, _CONCEPTS = "known_text", "concepts."
Timesteps: TypeAlias = str | Sequence[int]
_BATCH = 64  # tasks per call of the network: memory stays flat, and larger gains nothing on a CPU


class Generator:
    """Writes adapter weights from text.

    Args:
        network: the x_0-predictor, with the weights to sample with.
        normalizer: between adapter weights and what the network sees.
        identity: names of what it was trained with, e.g. "text_encoder", "template", "vision_encoder"; stored as is.
        known: (C, text_dim) the class texts it was trained with; None where they are not known.
        concepts: what its image encoder knows by name, less what was withheld; None where adapters start from no
            evidence.
    """

    def __init__(
        self,
        network: Network,
        normalizer: Normalizer | UnitNormalizer,
        identity: Mapping[str, Any] | None = None,
        known: Tensor | None = None,
        concepts: Concepts | None = None,
    ) -> None:
        self.network = network.eval()
        self.normalizer = normalizer.to(next(network.parameters()).device)
        self.identity: dict[str, Any] = dict(identity or {})
        self.known = None if known is None else known.detach().float()
        self.concepts = concepts

    @property
    def config(self) -> NetworkConfig:
        return self.network.config

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    def to(self, device: torch.device | str) -> Generator:
        """Move to a device, in place."""
        self.network.to(device)
        self.normalizer.to(device)
        return self

    def condition(self, classes: Tensor | Evidence, tasks: Sequence[Sequence[int]] | None = None) -> Condition:
        """The condition this generator wants.

        Args:
            classes: the class texts (C, text_dim), or the evidence of C classes where adapters start from it.
            tasks: positions in `classes` per task; None for one task of all.

        Raises:
            T2WError: see `condition_of`; texts where it wants evidence, or the other way round.
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
        return self.network.spec_for(condition)

    def denoiser(self, condition: Condition, *, guidance: float = 1.0) -> Denoiser:
        """x_t (N, P), t (N,) -> x0_hat (N, P) in normalised space, for these N conditions.

        Args:
            guidance: w of classifier-free guidance (Ho and Salimans 2022), x0_u + w (x0_c - x0_u) with and without
                text. 1 asks with text alone; other values double the cost, and want a network trained with
                condition dropout.
        """
        condition = condition.to(self.device)

        predict = self._predictor(condition)
        if guidance == 1.0:
            return predict
        silent = self._predictor(
            without_text(condition, torch.ones(len(condition), dtype=torch.bool, device=self.device))
        )

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
        *,
        seed: int = 0,
        sampler: Sampler = "ddim",
        steps: int = 10,
        timesteps: Timesteps | None = None,
        guidance: float = 1.0,
        reach: float | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Tensor:
        """Adapter weights (N, P) float32 on the CPU, one vector per condition.

        Args:
            seed: of the noise. Row i depends on (seed, i) and its own condition (with evidence, padded as it is), not
                on the other rows, whatever the sampler; equal but for rounding.
            sampler, steps, timesteps: see `t2w.diffusion.sample`.
            guidance: see `denoiser`.
            reach: mean cosine distance of a task's class texts to the nearest known ones from which on base is the
                answer; up to there, a falling share of the way from base to the generated weights. None: all of it.
            progress: called with the number of vectors done since the last call; None for no calls.

        Raises:
            T2WError: unknown sampler, impossible number of steps, text of another size, or a reach that is not above 0
                or of a generator that does not know what it was trained with.
        """
        kept = self._share_kept(condition, reach)
        found = []
        for start in range(0, len(condition), _BATCH):
            samples = self._sample(condition, start, seed, guidance, sampler=sampler, steps=steps, timesteps=timesteps)
            found.append(self._weights(samples.x_0, condition, start, kept))
            if progress is not None:
                progress(len(found[-1]))
        return torch.cat(found)

    def trajectory(
        self,
        condition: Condition,
        *,
        seed: int = 0,
        sampler: Sampler = "ddim",
        steps: int = 10,
        timesteps: Timesteps | None = None,
        guidance: float = 1.0,
        reach: float | None = None,
        states: bool = False,
    ) -> tuple[Tensor, tuple[int, ...]]:
        """The adapter (S, N, P) that each of the S steps predicts, the last as `generate` has it, and the timesteps.

        Args:
            states: of each step the noisy adapter x_t that it leaves, in the place of its prediction.
        """
        walk: dict[str, Any] = {"sampler": sampler, "steps": steps, "timesteps": timesteps}
        walk |= {"trajectory": not states, "states": states}
        parts = [self._sample(condition, start, seed, guidance, **walk) for start in range(0, len(condition), _BATCH)]
        kept = self._share_kept(condition, reach)
        adapters = []
        for place in range(len(parts[0].timesteps)):
            kinds = [part.states if states else part.trajectory for part in parts]
            found = [kind[place] for kind in kinds if kind is not None]
            weights = [self._weights(x_0, condition, i * _BATCH, kept) for i, x_0 in enumerate(found)]
            adapters.append(torch.cat(weights))
        return torch.stack(adapters), parts[0].timesteps

    def _weights(self, x_0: Tensor, condition: Condition, start: int, kept: Tensor) -> Tensor:
        """(N, P) adapters of normalised ones, those of the tasks from `start` on, drawn back to base but for a share.

        Args:
            kept: (all tasks,) that share.
        """
        some = slice(start, start + len(x_0))
        vectors = self.normalizer.denormalize(x_0, condition.rows(some).to(self.device)).cpu()
        share = kept[some, None]
        if isinstance(self.normalizer, UnitNormalizer) or bool((share == 1).all()):
            return vectors
        base = self.normalizer.base.cpu()
        return torch.where(share < 1, base + share * (vectors - base), vectors)

    def _share_kept(self, condition: Condition, reach: float | None) -> Tensor:
        """(N,) on the CPU."""
        if reach is None:
            return torch.ones(len(condition))
        if reach <= 0:
            raise T2WError(f"a reach of {reach:g}", expected="above 0, or none")
        if self.known is None or self.config.conditioning != "classes":
            raise T2WError(
                "this generator cannot tell which texts are new to it, so it takes no reach",
                expected="one trained by this version of t2w, with one text token per class",
                fix="leave diffusion.reach at null, or train it again",
            )
        condition = condition.to("cpu")
        return share_kept(distance_to_known(condition, self.known.cpu()), reach)

    @torch.inference_mode()
    def _sample(self, condition: Condition, start: int, seed: int, guidance: float, **walk: Any) -> Samples:
        part = condition.rows(slice(start, start + _BATCH))
        rows = range(start, start + len(part))
        x_T = torch.stack([torch.randn(self.spec_for(part).size, generator=_noise(seed, "x_T", i)) for i in rows])
        return sample(
            self.denoiser(part, guidance=guidance),
            x_T.to(self.device),
            schedule=linear_schedule(self.config.timesteps),
            generator=[_noise(seed, "sampler", i, self.device) for i in rows],
            **walk,
        )

    def save(self, path: str | Path) -> None:
        """Write one safetensors file: network, normaliser, known texts, and in the metadata config and identity."""
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"normalizer.{name}": value for name, value in self.normalizer.state_dict().items()}
        tensors |= {} if self.known is None else {_KNOWN: self.known}
        metadata = {"format": FORMAT, "version": VERSION, "config": self.config.to_dict(), "identity": self.identity}
        if self.concepts is not None:
            tensors |= {f"{_CONCEPTS}{name}": value for name, value in self.concepts.tensors().items()}
            metadata["concepts"] = [list(names) for names in self.concepts.names]
        save_tensors(path, tensors, metadata)

    @classmethod
    def load(cls, path: str | Path, *, device: torch.device | str = "cpu") -> Generator:
        """Read what `save` wrote.

        Raises:
            T2WError: missing, truncated, not a generator, of a newer format, or with tensors of other sizes.
        """
        tensors, metadata = load_tensors(path, what=_WHAT)
        if metadata.get("format") != FORMAT:
            raise T2WError(f"{path} holds {metadata.get('format', 'other tensors')!r}", expected=_WHAT)
        if metadata.get("version") not in _READABLE:
            raise T2WError(
                f"{path} has generator format {metadata.get('version')!r}",
                expected=f"format {' or '.join(map(str, _READABLE))}",
                fix="read it with the version of t2w that wrote it",
            )
        config = config_from_dict(metadata.get("config", {}))
        with torch.device("meta"):
            network = build_network(config)
        expected = {f"network.{name}": value.shape for name, value in network.state_dict().items()}
        expected |= _normalizer_shapes(config, tensors)
        if _KNOWN in tensors:
            expected[_KNOWN] = torch.Size([*tensors[_KNOWN].shape[:1], config.text_dim])
        own = {name: value for name, value in tensors.items() if not name.startswith(_CONCEPTS)}
        _check_tensors(path, {name: value.shape for name, value in own.items()}, expected)
        network = build_network(config)
        network.load_state_dict(_part(tensors, "network."))
        concepts = None
        if "concepts" in metadata:
            concepts = Concepts.from_tensors(metadata["concepts"], _part(tensors, _CONCEPTS))
        normalizer = _normalizer_of(config, _part(tensors, "normalizer."))
        return cls(network, normalizer, metadata.get("identity", {}), tensors.get(_KNOWN), concepts).to(device)


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Stored in half precision or not, computed with in single."""
    found = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    return {name: value.float() if value.is_floating_point() else value for name, value in found.items()}


def _normalizer_of(config: NetworkConfig, tensors: Mapping[str, Tensor]) -> Normalizer | UnitNormalizer:
    if isinstance(config, UnitConfig):
        return UnitNormalizer(config.spec, config.gain, **tensors)
    return Normalizer(**tensors)


def _normalizer_shapes(config: NetworkConfig, tensors: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    d, out = config.spec.in_features, config.spec.out_features
    if not isinstance(config, UnitConfig):
        return {f"normalizer.{name}": torch.Size([config.spec.size]) for name in ("base", "mean", "std")}
    centres = len(tensors.get("normalizer.centres", ()))
    shapes = {"unit_std": (d + 1 + out,), "bias_std": (out,), "centres": (centres, d)}
    return {f"normalizer.{name}": torch.Size(shape) for name, shape in shapes.items()}


def _noise(seed: int, purpose: str, row: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A source of noise of its own for each row, so that it does not matter which rows are made together."""
    return torch.Generator(device).manual_seed(derive_seed(seed, purpose, row))


def _check_tensors(path: str | Path, found: Mapping[str, torch.Size], expected: Mapping[str, torch.Size]) -> None:
    for name in [*expected, *found]:
        if found.get(name) != expected.get(name):
            shapes = [tuple(shapes[name]) if name in shapes else "absent" for shapes in (found, expected)]
            raise T2WError(
                f"{path}: tensor {name} is {shapes[0]}",
                expected=f"{shapes[1]} by the config stored in the file",
                fix="the file was altered; copy or train it again",
            )
