"""What a user holds: `TextToWeights` writes classifiers from words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from t2w.adapters import class_codes
from t2w.assets import asset
from t2w.classifier import Classifier, Prediction
from t2w.concepts import Evidence, Lexicon, with_pictures
from t2w.concepts.surety import NoneRule, Surety
from t2w.devices import one_thread, resolve_device
from t2w.encoders import check_not_retired, encode_classes, load_text_encoder, vision_encoder_from_dict
from t2w.errors import T2WError, nearest
from t2w.generator import Generator
from t2w.photos import Examples, Photos, TaskPictures, pictures_of_task
from t2w.tasks import TextMode, parse_described
from t2w.tasks.class_names import check_text, folded_name
from t2w.word_checks import check_distinct, listed, warn, warn_of_words

if TYPE_CHECKING:
    from torch import Tensor

    from t2w.diffusion import Sampler
    from t2w.encoders import TextEncoder, VisionEncoder
    from t2w.words import Choice

__all__ = ["EMBEDDED", "Classifier", "Prediction", "TextToWeights"]

EMBEDDED = "embedded"  # the generator that comes with the package
_GENERATOR_FILE = Path("train", "generator.safetensors")
_FEW = 64  # classes, in all samples: for so few a second thread saves nothing, and on a busy machine it is waited for


class TextToWeights:
    """From class names to a classifier.

    Args:
        generator: a trained generator.
        text_encoder: the one it was trained with.

    Raises:
        T2WError: it was trained with another one, or for an image encoder that t2w no longer has.
    """

    def __init__(self, generator: Generator, text_encoder: TextEncoder) -> None:
        trained_with = generator.provenance.get("text_encoder")
        if text_encoder.identity != trained_with:
            raise T2WError(
                f"the text encoder is {text_encoder.identity}",
                expected=f"{trained_with}, which the generator was trained with",
                fix="install that one, or train a generator with this one",
            )
        check_not_retired(generator.provenance.get("vision", {}))
        self.generator, self.text_encoder = generator, text_encoder

    @classmethod
    def from_pretrained(cls, source: str | Path = EMBEDDED, *, device: str = "auto") -> TextToWeights:
        """Load a generator.

        Args:
            source: "embedded" for the one in this package, a finished run's folder, or a generator's file.

        Raises:
            T2WError: no generator there, a damaged one, one whose text encoder is not at hand, or one imported from
                the reference, whose encoders t2w does not have.
        """
        path = asset("generator.safetensors") if source == EMBEDDED else Path(source)
        if path.is_dir():
            # In the folder of a run, or of a generator that `t2w import-reference` wrote.
            found = [file for file in (path / _GENERATOR_FILE, path / _GENERATOR_FILE.name) if file.exists()]
            if not found:
                raise T2WError(
                    f"there is no trained generator in {path}",
                    expected=f"a run folder with {_GENERATOR_FILE}",
                    fix=f"finish the run: t2w run out={path}",
                )
            path = found[0]
        generator = Generator.load(path, device=resolve_device(device))
        if origin := generator.provenance.get("imported"):
            raise T2WError(
                f"the generator in {path} was imported from {origin}, whose text and image encoders t2w does not have",
                expected="a generator that t2w trained",
                fix="sample this one with t2w.generator.Generator on the imported conditions.safetensors, as "
                "docs/coming-from-the-reference.md shows, or train one here",
            )
        return cls(generator, load_text_encoder(generator.provenance.get("text_encoder_source")))

    @cached_property
    def vision(self) -> VisionEncoder:
        """The image encoder whose features its classifiers take.

        Raises:
            T2WError: it is not on this machine and cannot be fetched.
        """
        return vision_encoder_from_dict(self.generator.provenance["vision"], device=self.generator.device)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes of the dataset the generator was trained on."""
        return tuple(self.generator.provenance["class_names"])

    @cached_property
    def lexicon(self) -> Lexicon | None:
        """What its image encoder knows by name, with the dictionary; None where it writes from texts alone."""
        concepts = self.generator.concepts
        return None if concepts is None else Lexicon(concepts, self.text_encoder.encode)

    def new_names(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of the names that no training task of the generator held, in any spelling."""
        seen = {folded_name(name) for name in self.generator.provenance.get("seen_classes", self.class_names)}
        return tuple(name for name in names if folded_name(name) not in seen)

    def generate(
        self,
        classes: str | Sequence[str] | Mapping[str, str | None],
        *,
        texts: Mapping[str, str] | None = None,
        senses: Mapping[str, str] | None = None,
        context: str | None = None,
        photos: Photos | TaskPictures | None = None,
        examples: Examples | None = None,
        seed: int = 0,
        samples: int = 1,
        sampler: Sampler | None = None,
        steps: int | None = None,
        any_class: bool | None = None,
    ) -> Classifier:
        """A classifier for these classes.

        Args:
            classes: at least two different names; or one text "tabby, espresso", in which "tabby=a striped cat"
                describes one; or {"tabby": "a striped cat", "espresso": None}.
            texts: descriptions by name, in the place of what the dictionary says, or, for generators that read texts
                alone, of the text made of the name. None: only those in `classes`.
            senses: which meaning of a name is meant: {"crane": "wading bird"}. None: chosen by the other classes.
            context: said after every class's text, for all of the task: "seen from the air". None: nothing.
            photos: pictures without labels of the kind that is to be classified: a folder, or images. What they show
                moves the classes' evidence, where they fit the words at all. Or features of pictures, labelled or
                not. None for none.
            examples: labelled pictures, as few as one: a folder of class folders, or images by class name; any class
                may have none. None for none.
            seed: of the noise sampling starts from.
            samples: adapters to draw, whose probabilities are averaged.
            sampler: see `t2w.diffusion.SAMPLERS`; None: what the generator was scored with.
            steps: sampling steps; None: what the generator was scored with.
            any_class: accept names that are not classes of the dataset the generator was trained on; None: where it is
                meant for it, as every generator is that knows concepts.

        Raises:
            T2WError: fewer than two classes, one twice, an empty one, an unknown one, two with the same text, a sense
                that does not exist, an unknown sampler, or less than one sample.

        Warns:
            T2WWarning: what is not as good as it could be: a name that is in no dictionary, two that mean the same,
                pictures that do not fit the words, pictures that cannot be read.
        """
        if samples < 1:
            raise T2WError(f"{samples} samples", expected="1 or more")
        if context is not None and not context.strip():
            raise T2WError("the text for the task is empty", expected="a phrase, such as: seen from the air")
        identity, lexicon = self.generator.provenance, self.lexicon
        open_to_all = (lexicon is not None or identity.get("any_class", False)) if any_class is None else any_class
        names, own = parse_described(classes, known=None if open_to_all else self.class_names)
        own |= _by_name(names, texts)
        context = None if context is None else context.strip()
        told: Tensor | Evidence
        if lexicon is None:
            if senses:
                raise T2WError(
                    "a sense is given, and this generator reads texts alone", fix="describe the class instead"
                )
            if photos is not None or examples is not None:
                raise T2WError(
                    "pictures are given, and this generator reads texts alone",
                    fix="use one that knows concepts, such as the one that comes with t2w",
                )
            shown, told = self._prompts(names, own, context)
            codes, known_by = told, None
            self._warn_of_new(names)
        else:
            with one_thread(len(names) <= _FEW):
                choices = lexicon.understand(names, senses)
                told = lexicon.evidence(choices, texts=own, context=context)
            if photos is not None or examples is not None:
                if not isinstance(photos, TaskPictures):
                    photos = pictures_of_task(self.vision, names, photos, examples)
                choices, told = self._with(photos, choices, own, context)
            shown = tuple(own.get(choice.name, str(choice)) for choice in choices)
            codes, known_by = class_codes(told.text), list(told.sources)
            warn_of_words(choices, own, lexicon)
        check_distinct(names, codes, own)
        given: dict[str, Any] = {} if sampler is None else {"sampler": sampler}
        given |= {} if steps is None else {"steps": steps, "respacing": None}  # which would go before steps
        how = replace(self.generator.sampling, **given)
        condition = self.generator.condition(told, [range(len(names))] * samples)
        with one_thread(len(names) * samples <= _FEW):
            weights = self.generator.generate(condition, how, seed=seed)
        spec, rule = self.generator.spec_for(condition), None
        if isinstance(told, Evidence) and "surety" in identity:
            assert lexicon is not None  # evidence comes from it
            surety = Surety.from_dict(identity["surety"])
            spec = replace(spec, logit_scale=spec.logit_scale / surety.temperature_of(told.variance))
            rule = NoneRule(surety.threshold_of(told.variance), lexicon.concepts.centres)
        return Classifier(
            spec,
            weights,
            codes,
            names,
            shown,
            identity["vision"],
            {
                "text_encoder": self.text_encoder.identity,
                "generator": identity["name"],
                "seed": seed,
                "samples": samples,
                **how.to_dict(),
                **({} if known_by is None else {"known_by": known_by}),
            },
            rule,
        )

    def _with(
        self, seen: TaskPictures, choices: tuple[Choice, ...], own: Mapping[str, str], context: str | None
    ) -> tuple[tuple[Choice, ...], Evidence]:
        """The choices and the evidence after pictures."""
        lexicon = self.lexicon
        assert lexicon is not None  # pictures are refused where there is none
        if seen.refused:
            first = f"{seen.refused[0][0]}: {seen.refused[0][1]}"
            warn(f"{len(seen.refused)} of the pictures cannot be used, such as {first}")
        told = lexicon.evidence(choices, texts=own, context=context)
        found = with_pictures(told, lexicon.concepts, seen.features, seen.labels)
        free = torch.tensor(seen.labels) < 0
        if found.kept_words:
            warn(
                "the pictures without labels do not look like these classes more than like others; they are left out, "
                "and the words are kept"
            )
        elif bool(free.any()):
            again = lexicon.seen_in(choices, seen.features[free], given=own)
            for before, after in zip(choices, again, strict=True):
                if before.sense != after.sense:
                    warn(f"{after.name!r:.40} is taken for {after.sense} by the pictures, not for {before.sense}")
            if again != choices:
                told = lexicon.evidence(again, texts=own, context=context)
                return again, with_pictures(told, lexicon.concepts, seen.features, seen.labels).evidence
        return choices, found.evidence

    def _prompts(
        self, names: Sequence[str], own: Mapping[str, str], context: str | None
    ) -> tuple[tuple[str, ...], Tensor]:
        """The texts that are read, the first prompt of each to be shown, and their embeddings."""
        prompts = TextMode.from_dict(self.generator.provenance["text"]).prompts(names, own)
        if context is not None:
            prompts = tuple(tuple(f"{prompt}, {context}" for prompt in several) for several in prompts)
        return tuple(several[0] for several in prompts), encode_classes(self.text_encoder, prompts)

    def _warn_of_new(self, names: Sequence[str]) -> None:
        if new := self.new_names(names):
            warn(
                f"the generator was not trained on {listed(new)}; for such classes its weights are guesses from the "
                "text, often no better than the base adapter"
            )


def _by_name(names: Sequence[str], texts: Mapping[str, str] | None) -> dict[str, str]:
    """Given texts under the names as they were parsed. Raises T2WError at one for a name that is not there."""
    spelt = {folded_name(name): name for name in names}
    found = {}
    for name, text in (texts or {}).items():
        if folded_name(name) not in spelt:
            raise T2WError(f"there is a text for {name!r:.60}, which is not one of the classes{nearest(name, names)}")
        check_text(text, f"the text given for class {name!r}")
        found[spelt[folded_name(name)]] = text.strip()
    return found
