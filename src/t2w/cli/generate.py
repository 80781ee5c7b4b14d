"""`t2w generate`: one classifier from words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from t2w.cli.common import SAMPLERS, notes
from t2w.errors import T2WError

if TYPE_CHECKING:
    from t2w.diffusion import Sampler

__all__ = ["generate"]


_MOST_SHOWN = 40  # classes


@click.command()
@click.option(
    "--classes", metavar="NAMES", help='The classes: "cat, school bus", or described: "tabby=a striped cat, ...".'
)
@click.option(
    "--classes-file",
    metavar="FILE",
    help="The classes, one a line, described or not, in place of --classes; # begins a comment.",
)
@click.option("-o", "--output", required=True, metavar="FILE.t2w", help="The classifier's file.")
@click.option(
    "--from",
    "source",
    default="embedded",
    show_default=True,
    metavar="GENERATOR",
    help="embedded (comes with t2w), a finished run's folder, or a generator's file.",
)
@click.option(
    "--text",
    "texts",
    multiple=True,
    metavar="TEXT",
    help='"cat=a small furry animal" is encoded for cat; a text without "=" is said after every class. Repeatable.',
)
@click.option(
    "--sense",
    "senses",
    multiple=True,
    metavar="NAME=MEANING",
    help='Which meaning of a name is meant: "crane=wading bird". Repeatable; `t2w classes crane` lists them.',
)
@click.option(
    "--photos",
    multiple=True,
    metavar="FOLDER",
    help="Pictures without labels, of the kind that is to be classified: they make the classifier better. Repeatable.",
)
@click.option("--examples", metavar="FOLDER", help="A folder of class folders with labelled pictures, as few as one.")
@click.option(
    "--samples", default=1, show_default=True, type=click.IntRange(1, 1000), help="Adapters whose votes are averaged."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of the noise it starts from.")
@click.option("--steps", default=None, type=click.IntRange(1, 1000), help="Sampling steps; by default the generator's.")
@click.option("--sampler", default=None, type=click.Choice(SAMPLERS), help="By default the generator's.")
@click.option("--any-class", is_flag=True, help="Accept names that are not classes of the dataset it was trained on.")
@click.option("--device", default="auto", show_default=True)
def generate(
    classes: str | None,
    classes_file: str | None,
    output: str,
    source: str,
    texts: tuple[str, ...],
    senses: tuple[str, ...],
    photos: tuple[str, ...],
    examples: str | None,
    samples: int,
    seed: int,
    steps: int | None,
    sampler: Sampler | None,
    any_class: bool,
    device: str,
) -> None:
    """Write the weights of a classifier for the classes you name, into one self-describing file.

    \b
    t2w generate --classes "cat, school bus, pizza" -o lunch.t2w
    t2w generate --classes "cat, school bus, pizza" --photos holiday/ -o lunch.t2w
    t2w generate --classes "three, five, eight" --from runs/demo -o three.t2w
    """
    from t2w.tasks import parse_described

    # What is wrong with the names alone is said before anything is loaded.
    names, described = parse_described(_given(classes, classes_file))
    own, context = _texts(texts)
    if twice := next((name for name in own if name in described), None):
        raise T2WError(f"two texts for class {twice!r}", expected="one")
    meant = _pairs(senses, "--sense")
    from t2w.pipeline import TextToWeights

    writer = TextToWeights.from_pretrained(source, device=device)
    with notes():
        classifier = writer.generate(
            names,
            texts={**described, **own},
            senses=meant,
            context=context,
            photos=list(photos) or None,
            examples=examples,
            seed=seed,
            samples=samples,
            steps=steps,
            sampler=sampler,
            any_class=True if any_class else None,
        )
    classifier.save(output)
    known_by = classifier.provenance.get("known_by")
    understood = [
        f"  {text if text.startswith(name) else f'{name}: {text}'}  [{by}]"
        for name, text, by in zip(classifier.classes, classifier.texts, known_by or (), strict=False)
    ]
    for line in understood[:_MOST_SHOWN]:
        click.echo(line)
    if (more := len(understood) - _MOST_SHOWN) > 0:
        click.echo(f"  ... and {more} more")
    size = Path(output).stat().st_size
    click.echo(
        f"{output}: {classifier.weights.numel():,} weights for {len(classifier.classes)} classes ({size / 1e3:.0f} kB)"
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
