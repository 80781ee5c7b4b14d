"""`t2w generate`: one classifier from words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from t2w.errors import T2WError

if TYPE_CHECKING:
    from t2w.diffusion import Sampler

__all__ = ["generate"]

# t2w.diffusion.SAMPLERS, said again because that import brings torch, too slow for --help
_SAMPLERS = ["ddim", "dpm++", "dpm++3m", "dpm++sde", "unipc", "deis", "sa", "ancestral"]


@click.command()
@click.option("--classes", required=True, metavar="NAMES", help='The classes, e.g. "cat, school bus, pizza".')
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
    "--samples", default=1, show_default=True, type=click.IntRange(1, 1000), help="Adapters whose votes are averaged."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of the noise it starts from.")
@click.option("--steps", default=None, type=click.IntRange(1, 1000), help="Sampling steps; by default the generator's.")
@click.option("--sampler", default=None, type=click.Choice(_SAMPLERS), help="By default the generator's.")
@click.option("--any-class", is_flag=True, help="Accept names that are not classes of the dataset it was trained on.")
@click.option("--device", default="auto", show_default=True)
def generate(
    classes: str,
    output: str,
    source: str,
    texts: tuple[str, ...],
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
    t2w generate --classes "three, five, eight" --from runs/demo -o three.t2w
    """
    from t2w.tasks import parse_classes

    names = parse_classes(classes)  # what is wrong with the names alone is said before anything is loaded
    own, context = _texts(texts)
    from t2w.pipeline import TextToWeights

    writer = TextToWeights.from_pretrained(source, device=device)
    classifier = writer.generate(
        names,
        texts=own,
        context=context,
        seed=seed,
        samples=samples,
        steps=steps,
        sampler=sampler,
        any_class=True if any_class else None,
    )
    classifier.save(output)
    new = writer.new_names(classifier.classes)
    if new:
        shown = ", ".join(new[:5]) + (f" and {len(new) - 5} more" if len(new) > 5 else "")
        click.echo(
            f"note: the generator was not trained on {shown}; for such classes its weights are guesses from the text, "
            "often no better than the base adapter",
            err=True,
        )
    size = Path(output).stat().st_size
    click.echo(
        f"{output}: {classifier.weights.numel():,} weights for {len(classifier.classes)} classes ({size / 1e3:.0f} kB)"
    )


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
