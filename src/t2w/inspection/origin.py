"""Where a classifier's weights came from: the generator again, told the words of a file."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from t2w.adapters import to_vector
from t2w.classifier import Classifier
from t2w.concepts import Evidence, Lexicon
from t2w.errors import T2WError
from t2w.generator import Generator
from t2w.generator.condition import Condition
from t2w.generator.normalizer import UnitNormalizer
from t2w.pipeline import TextToWeights
from t2w.words.dictionary import Sense

__all__ = ["Origin", "origin_of"]


@dataclass(frozen=True, eq=False)
class Origin:
    """A generator with what it is told of a classifier's classes.

    Attributes:
        generator: the generator.
        name: its name, as files have it.
        condition: of the one task.
        start: (P,) the weights that the generator's changes are added to: the classifier that the evidence alone makes,
            or the base adapter of generators that read texts alone.
        what: the start for a reader.
    """

    generator: Generator
    name: str
    condition: Condition
    start: Tensor
    what: str


def origin_of(writer: TextToWeights, classifier: Classifier) -> Origin:
    """Tell a generator the words of a classifier: what they mean there, and no pictures.

    Raises:
        T2WError: a generator for another image encoder, other text embeddings, or adapters of other sizes.
    """
    ours, theirs = writer.generator.provenance["vision"], classifier.vision
    if (ours.get("identity"), ours.get("preprocessing")) != (theirs.get("identity"), theirs.get("preprocessing")):
        raise T2WError(
            f"the generator writes for the image encoder {ours.get('identity')}, the classifier takes features of "
            f"{theirs.get('identity')}",
            expected="the generator that wrote the classifier",
            fix="name it with --from",
        )
    told: Evidence | Tensor = classifier.text
    if writer.lexicon is not None:
        told = _evidence(writer.lexicon, classifier)
    condition = writer.generator.condition(told)
    found, expected = replace(writer.generator.spec_for(condition), logit_scale=1.0), classifier.spec
    if found != replace(expected, logit_scale=1.0):
        raise T2WError(
            f"the generator writes adapters {found.in_features}-{found.hidden}-{found.out_features}",
            expected=f"{expected.in_features}-{expected.hidden}-{expected.out_features}, as the classifier has them",
            fix="name the generator that wrote the classifier with --from",
        )
    normalizer = writer.generator.normalizer
    start, what = getattr(normalizer, "base", None), "the base adapter"
    if isinstance(normalizer, UnitNormalizer):
        with torch.no_grad():
            start = to_vector(normalizer.start(condition.to(writer.generator.device)))[0]
        what = "the evidence alone"
    assert start is not None  # a normaliser is one of the two
    return Origin(writer.generator, writer.generator.provenance["name"], condition, start.float().cpu(), what)


def _evidence(lexicon: Lexicon, classifier: Classifier) -> Evidence:
    """The evidence of a file's words: with the senses it was made with, and the user's own descriptions."""
    choices, own = [], dict[str, str]()
    for choice, text in zip(lexicon.understand(classifier.classes), classifier.texts, strict=True):
        senses = (choice.sense, *choice.others)
        by_text: dict[str, Sense | None] = {}
        for sense in senses:  # of two that read alike the more likely
            by_text.setdefault(str(replace(choice, sense=sense, others=())), sense)
        meant = text if text in by_text else text.partition("; also: ")[0]  # without the further senses behind it
        if meant not in by_text:
            own[choice.name] = text
        elif (taken := by_text[meant]) != choice.sense:
            rest = tuple(sense for sense in senses if sense is not None and sense != taken)
            choice = replace(choice, sense=taken, others=rest, share=1.0)
        choices.append(choice)
    return lexicon.evidence(choices, texts=own)
