"""The options by which a verb is told a classifier in words: `t2w generate` and `t2w sort` take the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from t2w.errors import T2WError

if TYPE_CHECKING:
    from t2w.classifier import Classifier

__all__ = ["InWords", "naming_options"]

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--classes", metavar="NAMES", help='The classes: "cat, school bus", or described: "tabby=a striped cat, ...".'
    ),
    click.option(
        "--classes-file",
        metavar="FILE",
        help="The classes, one a line, described or not, in place of --classes; # begins a comment.",
    ),
    click.option(
        "--from",
        "source",
        default="embedded",
        show_default=True,
        metavar="GENERATOR",
        help="embedded (comes with t2w), a finished run's folder, or a generator's file.",
    ),
    click.option(
        "--text",
        "texts",
        multiple=True,
        metavar="TEXT",
        help='"cat=a small furry animal" is encoded for cat; a text without "=" is said after every class. Repeatable.',
    ),
    click.option(
        "--sense",
        "senses",
        multiple=True,
        metavar="NAME=MEANING",
        help='Which meaning of a name is meant: "crane=wading bird". Repeatable; `t2w classes crane` lists them.',
    ),
    click.option(
        "--photos",
        multiple=True,
        metavar="FOLDER",
        help="Pictures without labels, of the kind that is to be classified: they make the classifier better. "
        "Repeatable.",
    ),
    click.option(
        "--examples", metavar="FOLDER", help="A folder of class folders with labelled pictures, as few as one."
    ),
    click.option(
        "--any-class", is_flag=True, help="Accept names that are not classes of the dataset it was trained on."
    ),
)


def naming_options(function: F) -> F:
    """The options that `InWords.read` takes, by the names of its arguments."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@dataclass(frozen=True)
class InWords:
    """A classifier in words, checked as far as it can be before anything is loaded."""

    names: tuple[str, ...]
    texts: dict[str, str]
    senses: dict[str, str]
    context: str | None
    photos: tuple[str, ...]
    examples: str | None
    source: str
    any_class: bool

    @classmethod
    def read(
        cls,
        *,
        classes: str | None,
        classes_file: str | None,
        texts: tuple[str, ...],
        senses: tuple[str, ...],
        **others: Any,
    ) -> InWords:
        """What the options say. Raises T2WError for whatever is wrong in them."""
        from t2w.tasks import parse_described

        names, described = parse_described(_given(classes, classes_file))
        own, context = _texts(texts)
        if twice := next((name for name in own if name in described), None):
            raise T2WError(f"two texts for class {twice!r}", expected="one")
        return cls(names, {**described, **own}, _pairs(senses, "--sense"), context, **others)

    def generate(self, *, device: str, **sampling: Any) -> Classifier:
        """Write the classifier."""
        from t2w.pipeline import TextToWeights

        writer = TextToWeights.from_pretrained(self.source, device=device)
        return writer.generate(
            self.names,
            texts=self.texts,
            senses=self.senses,
            context=self.context,
            photos=list(self.photos) or None,
            examples=self.examples,
            any_class=True if self.any_class else None,
            **sampling,
        )


def _given(classes: str | None, file: str | None) -> str:
    """The classes as one text, of whichever option holds them."""
    if (classes is None) == (file is None):
        raise T2WError("both --classes and --classes-file" if file else "no classes", expected="one of the two options")
    if file is None:
        return classes or ""
    try:
        lines = Path(file).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise T2WError(
            f"cannot read {file}: {reason}", expected="a text file with a class name in each line"
        ) from error
    return ", ".join(line for line in lines if line.strip() and not line.lstrip().startswith("#"))


def _pairs(values: tuple[str, ...], option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in values:
        name, equals, meaning = (part.strip() for part in value.partition("="))
        if not equals or not name or not meaning:
            raise T2WError(f"{option} is {value!r:.60}", expected='NAME=MEANING, such as "crane=wading bird"')
        if name in found:
            raise T2WError(f"{option} is given twice for {name!r}", expected="once")
        found[name] = meaning
    return found


def _texts(texts: tuple[str, ...]) -> tuple[dict[str, str], str | None]:
    """({class: text}, text for the whole task)."""
    own: dict[str, str] = {}
    context: str | None = None
    for text in texts:
        name, equals, words = (part.strip() for part in text.partition("="))
        if not equals:
            if context is not None:
                raise T2WError(f"two texts for the whole task, {context!r:.40} and {text!r:.40}", expected="one")
            context = text
        elif name in own:
            raise T2WError(f"two texts for class {name!r}", expected="one")
        else:
            own[name] = words
    return own, context
