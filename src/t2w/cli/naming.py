"""The options by which a verb is told a classifier in words: `t2w generate` and `t2w sort` take the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from t2w.errors import T2WError

if TYPE_CHECKING:
    from t2w.classifier import Classifier

__all__ = ["classifier_of_words", "naming_options"]

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--classes", metavar="NAMES", help='The classes: "cat, school bus", or described: "tabby=a striped cat, ...".'
    ),
    click.option(
        "--classes-file", metavar="FILE",
        help="The classes in the place of --classes, one or several a line as there; # begins a comment.",
    ),
    click.option(
        "--from", "source", default="embedded", show_default=True, metavar="GENERATOR",
        help="embedded (comes with t2w), a finished run's folder, or a generator's file.",
    ),
    click.option(
        "--text", "texts", multiple=True, metavar="TEXT",
        help='"cat=a small furry animal" is encoded for cat; a text without "=" is said after every class. Repeatable.',
    ),
    click.option(
        "--sense", "senses", multiple=True, metavar="NAME=MEANING",
        help='Which meaning of a name is meant: "crane=wading bird". Repeatable; `t2w classes crane` lists them.',
    ),
    click.option(
        "--photos", multiple=True, metavar="FOLDER",
        help="Pictures without labels, of the kind that is to be classified: they make the classifier better. "
        "Repeatable.",
    ),
    click.option(
        "--examples", metavar="FOLDER", help="A folder of class folders with labelled pictures, as few as one."
    ),
    click.option(
        "--any-class", is_flag=True, help="Accept names that are not classes of the dataset it was trained on."
    ),
)  # fmt: skip


def naming_options(function: F) -> F:
    """The options that `classifier_of_words` takes, by the names of its arguments."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def classifier_of_words(
    *,
    classes: str | None,
    classes_file: str | None,
    source: str,
    texts: tuple[str, ...],
    senses: tuple[str, ...],
    photos: tuple[str, ...],
    examples: str | None,
    any_class: bool,
    device: str,
    **sampling: Any,
) -> Classifier:
    """Write the classifier that the options describe.

    Raises:
        T2WError: whatever is wrong in them, as far as it can be seen before anything is loaded; else as `generate`.
    """
    from t2w.tasks import parse_described

    names, described = parse_described(_given(classes, classes_file))
    own = _pairs([text for text in texts if "=" in text], "--text", 'NAME=TEXT, such as "cat=a small furry animal"')
    if twice := next((name for name in own if name in described), None):
        raise T2WError(f"two texts for class {twice!r}", expected="one")
    whole = [text.strip() for text in texts if "=" not in text]
    if len(whole) > 1:
        raise T2WError(f"two texts for the whole task, {whole[0]!r:.40} and {whole[1]!r:.40}", expected="one")
    meanings = _pairs(senses, "--sense", 'NAME=MEANING, such as "crane=wading bird"')

    from t2w.pipeline import TextToWeights

    writer = TextToWeights.from_pretrained(source, device=device)
    return writer.generate(
        names,
        texts=described | own,
        senses=meanings,
        context=whole[0] if whole else None,
        photos=list(photos) or None,
        examples=examples,
        any_class=any_class or None,
        **sampling,
    )


def _given(classes: str | None, file: str | None) -> str:
    """The classes as one text, of whichever option holds them."""
    if (classes is None) == (file is None):
        found = "both --classes and --classes-file" if file else "no classes"
        raise T2WError(found, expected='--classes "cat, dog" or --classes-file FILE')
    if file is None:
        return classes or ""
    try:
        lines = Path(file).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise T2WError(f"cannot read {file}: {reason}", expected="a text file, a class name in each line") from error
    return ", ".join(line for line in lines if line.strip() and not line.lstrip().startswith("#"))


def _pairs(values: Sequence[str], option: str, form: str) -> dict[str, str]:
    """{name: what is said of it}."""
    found: dict[str, str] = {}
    for value in values:
        name, _, said = (part.strip() for part in value.partition("="))
        if not name or not said:
            raise T2WError(f"{option} is {value!r:.60}", expected=form)
        if name in found:
            raise T2WError(f"{option} is given twice for {name!r}", expected="once")
        found[name] = said
    return found
