"""`t2w inspect`: pictures of what a classifier knows and looks at, and of how its weights came about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from t2w.cli.common import SAMPLERS, beside

if TYPE_CHECKING:
    from t2w.diffusion import Sampler

__all__ = ["inspect"]

_MOST_LISTED = 20  # files written


@click.command()
@click.argument("classifier", metavar="CLASSIFIER")
@click.argument("photos", nargs=-1, metavar="[PHOTO]...")
@click.option("-o", "--output", metavar="FOLDER", help="By default mine.t2w is looked at in mine-inspect.")
@click.option("--examples", metavar="FOLDER", help="A folder or zip of class folders with labelled pictures.")
@click.option("--skip-unknown", is_flag=True, help="Leave out folders of examples that name none of the classes.")
@click.option(
    "--from", "source", metavar="GENERATOR", help="That wrote CLASSIFIER; by default the one that comes with t2w."
)
@click.option("--against", metavar="OTHER.t2w", help="The second classifier of the landscape.")
@click.option("--steps", default=20, show_default=True, type=click.IntRange(1, 1000), help="Of the denoising.")
@click.option("--sampler", default="ddim", show_default=True, type=click.Choice(SAMPLERS), help="Of the denoising.")
@click.option(
    "--grid", default=40, show_default=True, type=click.IntRange(2, 400), help="Rows and columns of the landscape."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of noise, halves and training.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, mps.")
@click.option("--encoder", metavar="FOLDER", help="Where the vision encoder is, if not where the classifier says.")
def inspect(
    classifier: str,
    photos: tuple[str, ...],
    output: str | None,
    examples: str | None,
    skip_unknown: bool,
    source: str | None,
    against: str | None,
    steps: int,
    sampler: Sampler,
    grid: int,
    seed: int,
    device: str,
    encoder: str | None,
) -> None:
    """Look into a classifier: a PNG picture, with its numbers in a JSON file, of everything the inputs allow.

    Always: what each class is known by. With photographs: which pixels speak for the predicted class and for the
    runner-up. With labelled pictures: accuracy along the sampling steps, and the loss around the weights. What is left
    out is named, with what it needs. CLASSIFIER is a .t2w file, or user/name on the Hugging Face hub.

    \b
    t2w inspect lunch.t2w
    t2w inspect lunch.t2w photo.jpg more/ -o looks
    t2w inspect lunch.t2w --examples labelled/
    t2w inspect lunch.t2w --examples labelled/ --against better.t2w
    """
    from t2w.classifier import Classifier
    from t2w.inspection import inspect_classifier, write_inspection

    inspection = inspect_classifier(
        Classifier.from_pretrained(classifier, device=device, encoder=encoder),
        photos=photos,
        examples=examples,
        source=source,
        against=None if against is None else Classifier.from_pretrained(against),
        skip_unknown=skip_unknown,
        sampler=sampler,
        steps=steps,
        grid=grid,
        seed=seed,
        device=device,
    )
    place = Path(output) if output is not None else beside(classifier, "-inspect")
    written = write_inspection(place, inspection)
    for line in inspection.left_out:
        click.echo(f"left out: {line}", err=True)
    for file in written[:_MOST_LISTED]:
        click.echo(file)
    if (more := len(written) - _MOST_LISTED) > 0:
        click.echo(f"... and {more} more files in {place}")
