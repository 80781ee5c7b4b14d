"""`t2w push`: a classifier, a generator or a weight dataset, to the Hugging Face hub."""

from __future__ import annotations

import click

__all__ = ["push"]


@click.command()
@click.argument("source", metavar="FILE.t2w|RUN|FOLDER")
@click.argument("name", metavar="USER/NAME")
@click.option("--private", is_flag=True, help="Only you and your organisation may see it; refused where it is public.")
@click.option("--message", metavar="TEXT", help="Of the commit.")
@click.option("--licence", metavar="ID", help='Of the weights, as the hub has them, for the card: "mit", "cc-by-4.0".')
def push(source: str, name: str, private: bool, message: str | None, licence: str | None) -> None:
    """Push to the Hugging Face hub, with a card: a classifier, a finished run's generator, a folder of either, or
    adapters that `t2w adapters --export` wrote. Needs a token with write access in HF_TOKEN.

    After a failure the same command goes on: what was sent is not sent again.

    \b
    t2w push lunch.t2w me/lunch --licence mit
    t2w push runs/demo me/digits-writer --private
    t2w push digits-adapters me/digits-adapters
    t2w classify me/lunch photo.jpg                 and so anybody uses it
    """
    from t2w.pushing import push_path

    click.echo(push_path(source, name, private=private, message=message, licence=licence))
