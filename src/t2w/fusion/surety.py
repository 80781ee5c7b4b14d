"""How sure a fused classifier is, and when it says "none of these".

Temperature and threshold of a classifier come from its number of classes and from how unsure its evidence is (see
`t2w.concepts.surety`). Of n classes together they are the means over the classes of what the classifiers have, moved by
what the change to n classes does at equal evidence. What that is, a generator knows. Where it is not the one that comes
with t2w, or several wrote the classifiers, nothing is moved, and the threshold is the lowest of all: a picture that one
of the classifiers takes for one of its classes is then taken by the fused one, as more classes only raise the score.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from t2w.assets import asset
from t2w.concepts.surety import NoneRule, Surety
from t2w.files import read_metadata

if TYPE_CHECKING:
    from t2w.classifier import Classifier

__all__ = ["how_sure"]


def how_sure(classifiers: Sequence[Classifier], n: int) -> tuple[float, NoneRule | None]:
    """The logits' scale and the rule of n classes; no rule where a classifier has none, or they differ in kind."""
    surety, sizes = _surety_of(classifiers), [len(one.classes) for one in classifiers]
    rules = [one.none_rule for one in classifiers if one.none_rule is not None]
    thresholds = [rule.threshold for rule in rules]
    scales = [math.log(one.spec.logit_scale) for one in classifiers]
    if surety is not None:
        (hot, bar), before = _at(surety, n), [_at(surety, size) for size in sizes]
        scales = [scale + was - hot for scale, (was, _) in zip(scales, before, strict=True)]
        thresholds = [threshold + bar - was for threshold, (_, was) in zip(thresholds, before, strict=False)]
    scale = math.exp(_mean(scales, sizes))
    if len(rules) < len(classifiers) or any(not torch.equal(rule.centres, rules[0].centres) for rule in rules):
        return scale, None
    return scale, NoneRule(min(thresholds) if surety is None else _mean(thresholds, sizes), rules[0].centres)


def _at(surety: Surety, n: int) -> tuple[float, float]:
    """Log of the temperature, and the threshold, of n classes of sure evidence."""
    variance = torch.zeros(n)
    return math.log(surety.temperature_of(variance)), surety.threshold_of(variance)


def _surety_of(classifiers: Sequence[Classifier]) -> Surety | None:
    """What the generator that comes with t2w knows of it, where it wrote all of the classifiers."""
    identity = read_metadata(asset("generator.safetensors"), what="the embedded generator").get("identity", {})
    wrote_all = {one.provenance.get("generator") for one in classifiers} == {identity.get("name")}
    return Surety.from_dict(identity["surety"]) if wrote_all and "surety" in identity else None


def _mean(values: Sequence[float], sizes: Sequence[int]) -> float:
    return sum(value * size for value, size in zip(values, sizes, strict=True)) / sum(sizes)
