"""`t2w fit`: a generated classifier trained further on labelled pictures."""

from __future__ import annotations

import click

__all__ = ["fit"]


@click.command()
@click.argument("classifier", metavar="CLASSIFIER")
@click.argument("folder", metavar="FOLDER")
@click.option("-o", "--output", metavar="FILE.t2w", help="By default mine.t2w becomes mine-fit.t2w.")
@click.option("--steps", default=100, show_default=True, type=click.IntRange(min=1), help="Of the optimiser.")
@click.option(
    "--learning-rate", default=1e-3, show_default=True, type=click.FloatRange(min=0, min_open=True), help="Of Adam."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of the order of the pictures.")
def fit(classifier: str, folder: str, output: str | None, steps: int, learning_rate: float, seed: int) -> None:
    """Go on training a classifier on labelled pictures: FOLDER holds a folder of them per class, any may be missing.
    CLASSIFIER is a .t2w file, or user/name on the Hugging Face hub.

    With few pictures, `t2w generate --examples FOLDER` does as well or better; with many, do both.

    \b
    t2w generate --classes "tabby, espresso" --examples labelled/ -o mine.t2w
    t2w fit mine.t2w labelled/ -o better.t2w
    """
    from t2w.adapters.enhance import EnhanceSettings
    from t2w.classifier import Classifier
    from t2w.cli.common import beside

    found = Classifier.from_pretrained(classifier)
    better = found.fit(folder, settings=EnhanceSettings(steps=steps, learning_rate=learning_rate), seed=seed)
    place = output or beside(classifier, "-fit.t2w")
    better.save(place)
    counts = better.provenance["fitted_on"]
    click.echo(f"{place}: fitted on {sum(counts.values())} pictures of {len(counts)} classes")
