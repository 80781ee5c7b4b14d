"""What a generator is told about classes: texts or evidence, from words and from the pictures a task brings along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from t2w.concepts.surety import NoneRule, Surety
from t2w.devices import FEW, one_thread
from t2w.errors import T2WError, nearest
from t2w.tasks.class_names import check_text, folded_name
from t2w.word_checks import listed, warn, warn_of_words

if TYPE_CHECKING:
    from torch import Tensor

    from t2w.concepts import Evidence, Lexicon
    from t2w.photos import Examples, Photos, TaskPictures
    from t2w.pipeline import TextToWeights
    from t2w.words import Choice

__all__ = ["Told", "given_texts", "told_to"]

_FOREIGN = 0.25  # share of the pictures; of a task's own pictures 5 in 100 look like none of the classes


@dataclass(frozen=True, eq=False)
class Told:
    """What a generator is told about C classes.

    Attributes:
        content: (C, t) class texts, or their evidence.
        codes: (C, t) unit vectors that the classifier decides between.
        shown: what each class is taken for, for a reader.
        variance: (C,) how unsure their evidence is; None for texts.
        known_by: where each class's evidence comes from; None for texts.
    """

    content: Tensor | Evidence
    codes: Tensor
    shown: tuple[str, ...]
    variance: Tensor | None = None
    known_by: list[str] | None = None


def told_to(
    writer: TextToWeights,
    names: Sequence[str],
    given: Mapping[str, str],
    *,
    senses: Mapping[str, str] | None,
    context: str | None,
    photos: Photos | TaskPictures | None,
    examples: Examples | None,
) -> Told:
    """What a generator is told about classes.

    Args:
        names: the classes, as they were parsed.
        given: the user's own texts by name.
        senses, context, photos, examples: see `TextToWeights.generate`.

    Raises:
        T2WError: senses or pictures for a generator that reads texts alone, or what `generate` says.
    """
    context = None if context is None else context.strip()
    with_pictures = photos is not None or examples is not None
    if writer.lexicon is not None:
        pictures: TaskPictures | None = None
        if with_pictures:
            from t2w.photos import TaskPictures, pictures_of_task

            if isinstance(photos, TaskPictures):
                pictures = photos
            else:
                pictures = pictures_of_task(writer.vision, names, photos, examples)
        surety = writer.generator.provenance.get("surety")
        return _by_words(writer.lexicon, names, given, context, senses, pictures, surety)
    if senses:
        raise T2WError("a sense is given, and this generator reads texts alone", fix="describe the class instead")
    if with_pictures:
        raise T2WError(
            "pictures are given, and this generator reads texts alone",
            fix="use one that knows concepts, such as the one that comes with t2w",
        )
    told = _by_texts(writer, names, given, context)
    if new := writer.new_names(names):
        warn(
            f"the generator was not trained on {listed(new)}; for such classes its weights are guesses from the "
            "text, often no better than the base adapter"
        )
    return told


def _by_texts(writer: TextToWeights, names: Sequence[str], given: Mapping[str, str], context: str | None) -> Told:
    """Every class's prompts, encoded, for generators that read texts alone."""
    from t2w.encoders import encode_classes
    from t2w.tasks import TextMode

    prompts = TextMode.from_dict(writer.generator.provenance["text"]).prompts(names, given)
    if context is not None:
        prompts = tuple(tuple(f"{prompt}, {context}" for prompt in several) for several in prompts)
    texts = encode_classes(writer.text_encoder, prompts)
    return Told(texts, texts, tuple(several[0] for several in prompts))


def _by_words(
    lexicon: Lexicon,
    names: Sequence[str],
    given: Mapping[str, str],
    context: str | None,
    senses: Mapping[str, str] | None,
    pictures: TaskPictures | None,
    surety: Mapping[str, Any] | None,
) -> Told:
    """The evidence of every class's meaning, after pictures where there are some, for generators that know concepts."""
    from t2w.adapters.units import class_codes

    with one_thread(len(names) <= FEW):
        choices = lexicon.understand(names, senses)
        evidence = lexicon.evidence(choices, texts=given, context=context)
    if pictures is not None:
        rule = None
        if surety is not None:
            threshold = Surety.from_dict(surety).threshold_of(evidence.variance)
            rule = NoneRule(threshold, lexicon.concepts.centres)
        choices, evidence = _after(pictures, evidence, lexicon, choices, given, context, rule)
    warn_of_words(choices, given, lexicon)
    shown = tuple(given.get(choice.name, str(choice)) for choice in choices)
    return Told(evidence, class_codes(evidence.text), shown, evidence.variance, list(evidence.sources))


def _warn_of_foreign(features: Tensor, evidence: Evidence, lexicon: Lexicon, rule: NoneRule) -> None:
    """Warn where the words alone take many of the pictures without labels for none of the classes."""
    foreign = int((rule.scores(evidence.rows, lexicon.concepts.rows, features) < rule.threshold).sum())
    if foreign > _FOREIGN * len(features):
        warn(
            f"{foreign} of {len(features)} pictures without labels look like none of these classes; they are evidence "
            'all the same, and "none of these" will be said less often: leave them out, or name what they show'
        )


def _after(
    seen: TaskPictures,
    evidence: Evidence,
    lexicon: Lexicon,
    choices: tuple[Choice, ...],
    given: Mapping[str, str],
    context: str | None,
    rule: NoneRule | None,
) -> tuple[tuple[Choice, ...], Evidence]:
    """The choices and the evidence after pictures; `rule` is the words' own."""
    import torch

    from t2w.concepts import with_pictures

    if (complaint := seen.complaint) is not None:
        warn(complaint)
    found = with_pictures(evidence, lexicon.concepts, seen.features, seen.labels)
    free = torch.tensor(seen.labels) < 0
    if found.kept_words:
        warn(
            "the pictures without labels do not look like these classes more than like others; they are left out, "
            "and the words are kept"
        )
        return choices, found.evidence
    if not bool(free.any()):
        return choices, found.evidence
    if rule is not None:
        _warn_of_foreign(seen.features[free], evidence, lexicon, rule)
    again = lexicon.seen_in(choices, seen.features[free], given=given)
    for before, after in zip(choices, again, strict=True):
        if before.sense != after.sense:
            warn(f"{after.name!r:.40} is taken for {after.sense} by the pictures, not for {before.sense}")
    if again == choices:
        return choices, found.evidence
    evidence = lexicon.evidence(again, texts=given, context=context)
    return again, with_pictures(evidence, lexicon.concepts, seen.features, seen.labels).evidence


def given_texts(names: Sequence[str], texts: Mapping[str, str] | None) -> dict[str, str]:
    """Given texts under the names as they were parsed. Raises T2WError at one for a name that is not there."""
    spelt = {folded_name(name): name for name in names}
    found = {}
    for name, text in (texts or {}).items():
        if folded_name(name) not in spelt:
            raise T2WError(f"there is a text for {name!r:.60}, which is not one of the classes{nearest(name, names)}")
        check_text(text, f"the text given for class {name!r}")
        found[spelt[folded_name(name)]] = text.strip()
    return found
