"""`t2w demo`: everything, on the embedded digits."""

from __future__ import annotations

import json

import click

from t2w.cli.common import show, start

__all__ = ["demo"]


@click.command()
@click.option("--out", default="runs/demo", show_default=True, metavar="DIR", help="The run folder.")
def demo(out: str) -> None:
    """Watch words become weights on real scanned digits: tasks, adapters, a generator, a scoreboard, a report.

    \b
    t2w demo --out runs/demo
    """
    run = start(["experiment=digits", f"out={json.dumps(out)}"], update=False, last="eval")
    show(run)
    click.echo(f'\nNext: t2w generate --classes "three, five, eight" --from {out} -o three.t2w')
