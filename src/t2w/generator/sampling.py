"""How adapters are sampled from a generator: the choices and their defaults, and what is kept far from known texts.

What a generator has learnt of its training classes helps less the less a text resembles theirs, and far away it does
harm: base, which knows no class better than another, is then the better answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.diffusion import Sampler
from t2w.generator.condition import Condition
from t2w.settings import Count, Positive, Settings

__all__ = ["Sampling", "distance_to_known", "share_kept"]

_SAME = 1e-5  # rounding: a text is its own neighbour at distance 0
_RESPACING = re.compile(r"ddim\d+|\d+(,\d+)*")
_FORMER = {"reach": "fallback_distance"}  # names in files of before


@dataclass(frozen=True, kw_only=True)
class Sampling(Settings):
    """Stored with a generator as it was scored, so that it is sampled so wherever a user does not say."""

    section: ClassVar[str] = "diffusion"

    sampler: Sampler = "ddim"  # see `t2w.diffusion.sample`
    steps: Count = 10
    respacing: str | None = None  # timesteps in place of `steps` evenly spaced ones: "10,15,20", "100" or "ddim50"
    # w of classifier-free guidance (Ho and Salimans 2022); 1 asks with text alone. Other values double the cost, and
    # want a network trained with condition dropout.
    guidance: float = 1.0
    # Mean cosine distance of a task's class texts to the nearest ones trained with from which on the base adapter is
    # the answer; up to there, a falling share of the way from base to the generated weights. None: the generated
    # weights, however new the texts.
    fallback_distance: Positive | None = None

    def rules(self) -> Iterator[str]:
        if self.respacing is not None and not _RESPACING.fullmatch(self.respacing):
            yield f'diffusion.respacing is {self.respacing!r}; expected counts such as "10,15,20", or "ddim50"'

    @classmethod
    def stored(cls, values: Mapping[str, Any]) -> Sampling:
        """What a generator's file says; defaults for what older files leave open."""
        return cls.read({_FORMER.get(key, key): value for key, value in values.items()})


def distance_to_known(condition: Condition, known: Tensor) -> Tensor:
    """(N,) mean over a task's classes of 1 - cosine with the nearest known text (C, text_dim), in 0..2."""
    cosine = F.normalize(condition.tokens, dim=-1) @ F.normalize(known, dim=-1).T  # (N, n, C)
    distance = 1 - cosine.amax(dim=-1)
    distance = torch.where(condition.mask & (distance > _SAME), distance, 0.0)
    return distance.sum(dim=1) / condition.mask.sum(dim=1)


def share_kept(distance: Tensor, most: float) -> Tensor:
    """(N,) what is kept of the way from base to the generated weights: 1 at distance 0, nothing from `most` on."""
    return (1 - distance / most).clamp(min=0.0)
