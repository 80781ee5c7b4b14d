"""What a user holds: `TextToWeights` writes classifiers from words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from t2w.assets import asset
from t2w.classifier import Classifier, Prediction
from t2w.devices import resolve_device
from t2w.encoders import encode_classes, load_text_encoder
from t2w.errors import T2WError
from t2w.generator import Generator
from t2w.tasks import TextMode, parse_classes
from t2w.tasks.class_names import folded_name

if TYPE_CHECKING:
    from t2w.diffusion import Sampler
    from t2w.encoders import TextEncoder

__all__ = ["EMBEDDED", "Classifier", "Prediction", "TextToWeights"]

EMBEDDED = "embedded"  # the generator that comes with the package
_GENERATOR_FILE = Path("train", "generator.safetensors")
_SAMPLING = {"sampler": "ddim", "steps": 10}  # of generators whose files do not say


class TextToWeights:
    """From class names to a classifier.

    Args:
        generator: a trained generator.
        text_encoder: the one it was trained with.

    Raises:
        T2WError: it was trained with another one.
    """

    def __init__(self, generator: Generator, text_encoder: TextEncoder) -> None:
        trained_with = generator.identity.get("text_encoder")
        if text_encoder.identity != trained_with:
            raise T2WError(
                f"the text encoder is {text_encoder.identity}",
                expected=f"{trained_with}, which the generator was trained with",
                fix="install that one, or train a generator with this one",
            )
        self.generator, self.text_encoder = generator, text_encoder

    @classmethod
    def from_pretrained(cls, source: str | Path = EMBEDDED, *, device: str = "auto") -> TextToWeights:
        """Load a generator.

        Args:
            source: "embedded" for the one in this package, a finished run's folder, or a generator's file.

        Raises:
            T2WError: no generator there, a damaged one, or one whose text encoder is not at hand.
        """
        path = asset("generator.safetensors") if source == EMBEDDED else Path(source)
        if path.is_dir():
            if not (path / _GENERATOR_FILE).exists():
                raise T2WError(
                    f"there is no trained generator in {path}",
                    expected=f"a run folder with {_GENERATOR_FILE}",
                    fix=f"finish the run: t2w run out={path}",
                )
            path = path / _GENERATOR_FILE
        generator = Generator.load(path, device=resolve_device(device))
        return cls(generator, load_text_encoder(generator.identity.get("text_encoder_source")))

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes of the dataset the generator was trained on."""
        return tuple(self.generator.identity["class_names"])

    def new_names(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of the names that no training task of the generator held, in any spelling."""
        seen = {folded_name(name) for name in self.generator.identity.get("seen_classes", self.class_names)}
        return tuple(name for name in names if folded_name(name) not in seen)

    def generate(
        self,
        classes: str | Sequence[str],
        *,
        texts: Mapping[str, str] | None = None,
        context: str | None = None,
        seed: int = 0,
        samples: int = 1,
        sampler: Sampler | None = None,
        steps: int | None = None,
        any_class: bool | None = None,
    ) -> Classifier:
        """A classifier for these classes.

        Args:
            classes: at least two different names, or one text "three, five, eight".
            texts: what is encoded for a class in the place of its usual text, by name; None or a class without one:
                the text made of its name.
            context: said after every class's text, for all of the task: "seen from the air". None: nothing.
            seed: of the noise sampling starts from.
            samples: adapters to draw, whose probabilities are averaged.
            sampler: see `t2w.diffusion.SAMPLERS`; None: what the generator was scored with.
            steps: sampling steps; None: what the generator was scored with.
            any_class: accept names that are not classes of the dataset the generator was trained on; None: where the
                generator is meant for it, as the embedded one is.

        Raises:
            T2WError: fewer than two classes, one twice, an empty one, an unknown one, an unknown sampler, or less than
                one sample.
        """
        if samples < 1:
            raise T2WError(f"{samples} samples", expected="1 or more")
        identity = self.generator.identity
        open_to_all = identity.get("any_class", False) if any_class is None else any_class
        names = parse_classes(classes, known=None if open_to_all else self.class_names)
        prompts = TextMode.from_dict(identity["text"]).prompts(names, texts)
        if context is not None:
            if not context.strip():
                raise T2WError("the text for the task is empty", expected="a phrase, such as: seen from the air")
            prompts = tuple(tuple(f"{prompt}, {context.strip()}" for prompt in several) for several in prompts)
        text = encode_classes(self.text_encoder, prompts)
        walk = {**_SAMPLING, **identity.get("sampling", {})}
        walk |= {key: value for key, value in (("sampler", sampler), ("steps", steps)) if value is not None}
        condition = self.generator.condition(text, [range(len(names))] * samples)
        weights = self.generator.generate(condition, seed=seed, **walk)
        return Classifier(
            self.generator.config.spec,
            weights,
            text,
            names,
            tuple(several[0] for several in prompts),
            identity["vision"],
            {
                "text_encoder": self.text_encoder.identity,
                "generator": identity["name"],
                "seed": seed,
                "samples": samples,
                **walk,
            },
        )
