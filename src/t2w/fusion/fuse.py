"""`fuse`: what classifiers have to agree on to become one, and the one they become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import torch

from t2w.adapters import class_codes, unit_spec
from t2w.adapters.fusion import UnitPart, fuse_units, text_of, unit_per_class
from t2w.classifier import Classifier
from t2w.errors import T2WError
from t2w.fusion.surety import how_sure
from t2w.fusion.union import Union
from t2w.word_checks import check_distinct, warn

__all__ = ["fuse"]

_AGAIN = "generate one of them again with the generator of the other"


def fuse(classifiers: Sequence[Classifier], *, called: Sequence[str] | None = None) -> Classifier:
    """One classifier for the classes of all, in their order; a class that several have counts once.

    Its hidden units are those of the classifiers, with outgoing columns for all classes together (see
    `t2w.adapters.fusion`). It needs no generator and no picture, and what a classifier has learnt from pictures stays.

    Args:
        classifiers: two or more. Where one has S samples, each of the others has S or one.
        called: what errors call them; None: by their number.

    Raises:
        T2WError: fewer than two; other image or text encoders; a classifier without one hidden unit per class; a class
            name that means two things, or two of the same text; numbers of samples that do not go together; too many
            classes.

    Warns:
        T2WWarning: different generators wrote them.
    """
    if len(classifiers) < 2:
        raise T2WError(f"{len(classifiers)} classifier(s) to fuse", expected="two or more")
    called = called or [f"classifier {i}" for i in range(1, len(classifiers) + 1)]
    _check(classifiers, called)
    union, samples = Union(classifiers, called), _samples(classifiers, called)
    text = torch.stack(union.text)
    codes = class_codes(text)
    check_distinct(union.classes, codes, {})
    if len({one.provenance.get("generator") for one in classifiers}) > 1:
        warn("different generators wrote these classifiers; classes of one may be favoured over those of another")
    weights = [
        fuse_units(
            [UnitPart(c.spec, c.weights[i % len(c.weights)], c.text, union.places(c)) for c in classifiers], text
        )
        for i in range(samples)
    ]
    scale, rule = how_sure(classifiers, len(text))
    spec = unit_spec(replace(classifiers[0].spec, out_features=text.shape[1], logit_scale=scale), len(text))
    return Classifier(
        spec, torch.stack(weights), codes, tuple(union.classes), tuple(union.texts), classifiers[0].vision,
        _provenance(classifiers, union, samples), rule,
    )  # fmt: skip


def _check(classifiers: Sequence[Classifier], called: Sequence[str]) -> None:
    """Raises T2WError where the classifiers cannot become one."""
    for (i, one), (j, other) in combinations(enumerate(classifiers), 2):
        if one.classes == other.classes and torch.equal(one.weights, other.weights):
            raise T2WError(f"{called[i]} and {called[j]} are the same classifier", expected="different ones")
    for one, who in zip(classifiers, called, strict=True):
        if not all(unit_per_class(one.spec, vector, one.text) for vector in one.weights):
            raise T2WError(
                f"{who} has not one hidden unit per class: {one.spec.hidden} units for {len(one.classes)} classes",
                expected="units of classes, as the generator that comes with t2w writes them",
                fix="generate a classifier of all the classes in one call: t2w generate --classes ...",
            )
        (ours, theirs), (our_text, their_text) = (
            [about(c) for c in (classifiers[0], one)] for about in (_image_encoder, _text_encoder)
        )
        if ours != theirs:
            raise T2WError(
                f"{called[0]} is for the image encoder {ours}, {who} for {theirs}", expected="the same one", fix=_AGAIN
            )
        if our_text != their_text:
            raise T2WError(
                f"the texts of {called[0]} are {our_text}, those of {who} {their_text}",
                expected="texts of one encoder",
                fix=_AGAIN,
            )


def _image_encoder(one: Classifier) -> str:
    about = one.vision
    return f"{about.get('identity')}, {one.spec.in_features} features, preprocessing {about.get('preprocessing')}"


def _text_encoder(one: Classifier) -> str:
    return f"{text_of(one.text).shape[1]} numbers of {one.provenance.get('text_encoder', 'an encoder not named')}"


def _samples(classifiers: Sequence[Classifier], called: Sequence[str]) -> int:
    """How many adapters the fused classifier has."""
    counts = [len(one.weights) for one in classifiers]
    if set(counts) - {1, max(counts)}:
        found = ", ".join(f"{count} in {who}" for count, who in zip(counts, called, strict=True))
        raise T2WError(f"samples: {found}", expected="as many in each, or one", fix="generate with the same --samples")
    return max(counts)


def _provenance(classifiers: Sequence[Classifier], union: Union, samples: int) -> dict[str, Any]:
    """What the classifiers have in common, and what each was."""
    found: dict[str, Any] = {"samples": samples}
    for key in ("text_encoder", "generator"):
        values = {one.provenance.get(key) for one in classifiers}
        if len(values) == 1 and None not in values:
            found[key] = values.pop()
    if None not in union.known_by:
        found["known_by"] = union.known_by
    return found | {"fused": [{"classes": list(one.classes), **one.provenance} for one in classifiers]}
