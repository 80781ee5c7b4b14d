"""What a user holds: `TextToWeights` writes classifiers from words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2w.assets import asset
from t2w.classifier import Classifier, Prediction
from t2w.concepts.surety import NoneRule, Surety
from t2w.devices import FEW, one_thread, resolve_device
from t2w.errors import T2WError
from t2w.sharing import WEIGHTS, Shared, located, write_beside
from t2w.tasks.class_names import folded_name, parse_described
from t2w.word_checks import check_distinct

if TYPE_CHECKING:
    import torch

    from t2w.concepts import Lexicon
    from t2w.diffusion import Sampler
    from t2w.encoders import TextEncoder, VisionEncoder
    from t2w.generator import Generator
    from t2w.photos import Examples, Photos, TaskPictures

__all__ = ["EMBEDDED", "FILES", "Classifier", "Prediction", "TextToWeights"]

EMBEDDED = "embedded"  # the generator that comes with the package
FILES = ("train/generator.safetensors", "generator.safetensors", WEIGHTS)  # of a run, an import, `save_pretrained`


class TextToWeights(Shared):
    """From class names to a classifier.

    Args:
        generator: a trained generator.
        text_encoder: the one it was trained with.
        file: where the generator was read; None where it was made here. Its card looks beside it for a scoreboard.

    Raises:
        T2WError: it was trained with another text encoder, or for an image encoder that t2w no longer has.
    """

    def __init__(self, generator: Generator, text_encoder: TextEncoder, *, file: Path | None = None) -> None:
        from t2w.encoders import check_not_retired

        trained_with = generator.provenance.get("text_encoder")
        if text_encoder.identity != trained_with:
            raise T2WError(
                f"the text encoder is {text_encoder.identity}",
                expected=f"{trained_with}, which the generator was trained with",
                fix="install that one, or train a generator with this one",
            )
        check_not_retired(generator.provenance.get("vision", {}))
        self.generator, self.text_encoder, self.file = generator, text_encoder, file

    def __repr__(self) -> str:
        known = self.generator.concepts
        knows = f"{len(known.names):,} classes by name" if known is not None else f"{len(self.class_names):,} classes"
        return (
            f"TextToWeights({self.generator.provenance.get('name')}: knows {knows}; writes for "
            f"{self.generator.provenance['vision'].get('identity')}; on {self.generator.device})"
        )

    @classmethod
    def from_pretrained(
        cls, source: str | Path = EMBEDDED, *, revision: str | None = None, device: torch.device | str = "auto"
    ) -> TextToWeights:
        """Load a generator.

        Args:
            source: "embedded" for the one in this package; a finished run's folder, a folder that `save_pretrained`
                wrote, or a generator's file; or "user/name" or "user/name@revision" on the Hugging Face hub.
            revision: commit, branch or tag on the hub; None for the one in `source`, else the main branch.
            device: where the generator, and the image encoders of its classifiers, run: "auto" for the best there is,
                "cpu", "cuda", "cuda:1", "mps".

        Raises:
            T2WError: no generator there, a hub that does not answer within seconds, a damaged one, one whose text
                encoder is not at hand, or one imported from the reference, whose encoders t2w does not have.

        Warns:
            T2WWarning: the hub does not answer, and the copy fetched before is taken.
        """
        from t2w.encoders import load_text_encoder
        from t2w.generator import Generator

        path = asset("generator.safetensors")
        if source != EMBEDDED:
            fix = f"finish the run: t2w run out={source}"
            path = located(source, what="generator", names=FILES, revision=revision, fix=fix)
        generator = Generator.load(path, device=resolve_device(str(device)))
        if origin := generator.provenance.get("imported"):
            raise T2WError(
                f"the generator in {path} was imported from {origin}, whose text and image encoders t2w does not have",
                expected="a generator that t2w trained",
                fix="sample this one with t2w.generator.Generator on the imported conditions.safetensors, as "
                "docs/coming-from-the-reference.md shows, or train one here",
            )
        return cls(generator, load_text_encoder(generator.provenance.get("text_encoder_source")), file=path)

    def _write(self, folder: Path, licence: str | None) -> None:
        from t2w.generator_card import generator_card

        self.generator.save(folder / WEIGHTS)
        config = {"provenance": self.generator.provenance, "network": self.generator.config.to_dict()}
        write_beside(folder, config, generator_card(self, licence=licence))

    @cached_property
    def vision(self) -> VisionEncoder:
        """The image encoder whose features its classifiers take.

        Raises:
            T2WError: it is not on this machine and cannot be fetched.
        """
        from t2w.encoders import vision_encoder_from_dict

        return vision_encoder_from_dict(self.generator.provenance["vision"], device=self.generator.device)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes of the dataset the generator was trained on."""
        return tuple(self.generator.provenance["class_names"])

    @cached_property
    def lexicon(self) -> Lexicon | None:
        """What its image encoder knows by name, with the dictionary; None where it writes from texts alone."""
        from t2w.concepts import Lexicon

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
        if seed < 0:
            raise T2WError(f"seed {seed}", expected="0 or more")
        if context is not None and not context.strip():
            raise T2WError("the text for the task is empty", expected="a phrase, such as: seen from the air")
        from t2w.told import given_texts, told_to

        identity, knows = self.generator.provenance, self.lexicon is not None
        open_to_all = (knows or identity.get("any_class", False)) if any_class is None else any_class
        names, own = parse_described(classes, known=None if open_to_all else self.class_names)
        own |= given_texts(names, texts)
        told = told_to(self, names, own, senses=senses, context=context, photos=photos, examples=examples)
        check_distinct(names, told.codes, own)
        given: dict[str, Any] = {} if sampler is None else {"sampler": sampler}
        given |= {} if steps is None else {"steps": steps, "respacing": None}  # which would go before steps
        how = replace(self.generator.sampling, **given)
        condition = self.generator.condition(told.content, [range(len(names))] * samples)
        with one_thread(len(names) * samples <= FEW):
            weights = self.generator.generate(condition, how, seed=seed)
        spec, rule = self.generator.spec_for(condition), None
        if self.lexicon is not None and told.variance is not None and "surety" in identity:
            surety = Surety.from_dict(identity["surety"])
            spec = replace(spec, logit_scale=spec.logit_scale / surety.temperature_of(told.variance))
            rule = NoneRule(surety.threshold_of(told.variance), self.lexicon.concepts.centres)
        provenance = {
            "text_encoder": self.text_encoder.identity,
            "generator": identity["name"],
            **({"dataset": identity["dataset"]} if "dataset" in identity else {}),
            "seed": seed,
            "samples": samples,
            **how.to_dict(),
            **({} if told.known_by is None else {"known_by": told.known_by}),
        }
        return Classifier(
            spec, weights, told.codes, names, told.shown, identity["vision"], provenance, rule, self.generator.device
        )
