"""`t2w audit RUN`: does the text matter, and are weights copied?"""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["audit"]


@click.command()
@click.argument("folder", metavar="RUN")
def audit(folder: str) -> None:
    """Audit a finished run: its accuracy when the generator is told something else, and how near its weights are to
    those it was trained on. Writes audit.json and audit.png into the run folder.

    \b
    t2w audit runs/demo
    """
    from t2w.runs.audit import audit as make
    from t2w.runs.audit import render
    from t2w.runs.folder import stored_run

    run = stored_run(Path(folder))
    click.echo(render(make(run)))
    for name in ("audit.json", "audit.png"):
        click.echo(run.folder / name)
