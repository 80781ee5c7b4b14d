"""`t2w generate`: one classifier from words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from t2w.diffusion import Sampler

__all__ = ["generate"]

# t2w.diffusion.SAMPLERS, said again because that import brings torch, too slow for --help
_SAMPLERS = ["ddim", "dpm++", "dpm++3m", "dpm++sde", "unipc", "deis", "sa", "ancestral"]


@click.command()
@click.option("--classes", required=True, metavar="NAMES", help='The classes, e.g. "three, five, eight".')
@click.option("--from", "source", required=True, metavar="RUN_DIR", help="A finished run, or its generator file.")
@click.option("-o", "--output", required=True, metavar="FILE.t2w", help="The classifier's file.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of the noise it starts from.")
@click.option("--steps", default=10, show_default=True, type=click.IntRange(1, 1000), help="Sampling steps.")
@click.option("--sampler", default="ddim", show_default=True, type=click.Choice(_SAMPLERS))
@click.option("--any-class", is_flag=True, help="Accept names that are not classes of the dataset it was trained on.")
@click.option("--device", default="auto", show_default=True)
def generate(
    classes: str, source: str, output: str, seed: int, steps: int, sampler: Sampler, any_class: bool, device: str
) -> None:
    """Write the weights of a classifier for the classes you name, into one self-describing file.

    \b
    t2w generate --classes "three, five, eight" --from runs/digits -o three.t2w
    """
    from t2w.pipeline import TextToWeights
    from t2w.tasks import parse_classes

    parse_classes(classes)  # what is wrong with the names alone is said before anything is loaded
    classifier = TextToWeights.from_pretrained(source, device=device).generate(
        classes, seed=seed, steps=steps, sampler=sampler, any_class=any_class
    )
    classifier.save(output)
    size = Path(output).stat().st_size
    click.echo(
        f"{output}: {classifier.spec.size:,} weights for {len(classifier.classes)} classes ({size / 1e3:.0f} kB)"
    )
