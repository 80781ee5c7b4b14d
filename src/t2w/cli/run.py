"""`t2w run`: all stages of one experiment."""

from __future__ import annotations

import click

from t2w.cli.common import run_options, show, start

__all__ = ["run"]


@click.command()
@run_options
def run(overrides: tuple[str, ...], update: bool) -> None:
    """Run the stages of one experiment: tasks, features, adapters, train, eval.

    Finished stages are not repeated. Stopped with Ctrl-C, the same command goes on.

    \b
    t2w run experiment=digits
    t2w run experiment=digits generator.n_layer=6 out=runs/deeper
    t2w run experiment=tiny_imagenet_features dataset.path=FILE.safetensors tasks.split_seed=1
    """
    show(start(overrides, update=update, last="eval"))
