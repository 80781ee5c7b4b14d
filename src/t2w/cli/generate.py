"""`t2w generate`: one classifier from words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from t2w.cli.common import SAMPLERS
from t2w.cli.naming import classifier_of_words, naming_options

if TYPE_CHECKING:
    from t2w.diffusion import Sampler

__all__ = ["generate"]


_MOST_SHOWN = 40  # classes


@click.command()
@naming_options
@click.option("-o", "--output", required=True, metavar="FILE.t2w", help="The classifier's file.")
@click.option(
    "--samples", default=1, show_default=True, type=click.IntRange(1, 1000), help="Adapters whose votes are averaged."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of the noise it starts from.")
@click.option("--steps", default=None, type=click.IntRange(1, 1000), help="Sampling steps; by default the generator's.")
@click.option("--sampler", default=None, type=click.Choice(SAMPLERS), help="By default the generator's.")
@click.option("--device", default="auto", show_default=True)
def generate(
    output: str, samples: int, seed: int, steps: int | None, sampler: Sampler | None, device: str, **words: Any
) -> None:
    """Write the weights of a classifier for the classes you name, into one self-describing file.

    \b
    t2w generate --classes "cat, school bus, pizza" -o lunch.t2w
    t2w generate --classes "cat, school bus, pizza" --photos holiday/ -o lunch.t2w
    t2w generate --classes "three, five, eight" --from runs/demo -o three.t2w
    """
    classifier = classifier_of_words(**words, device=device, seed=seed, samples=samples, steps=steps, sampler=sampler)
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
