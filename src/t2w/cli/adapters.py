"""`t2w adapters`: the adapter factory."""

from __future__ import annotations

import click

from t2w.cli.common import run_options, start

__all__ = ["adapters"]


@click.command()
@run_options
def adapters(overrides: tuple[str, ...], update: bool) -> None:
    """Train the adapters of all tasks, or of a range of them: DIR/adapters.

    Ranges made by several processes or machines in one folder add up; finished shards are not made again.

    \b
    t2w adapters experiment=digits
    t2w adapters experiment=tiny_imagenet_features tasks.begin=0 tasks.end=1000 device=cuda:0
    t2w adapters experiment=tiny_imagenet_features launcher=ray launcher.address=auto
    """
    click.echo(start(overrides, update=update, last="adapters").path("adapters"))
