"""`t2w export-reference`: a run's files as the reference implementation has them."""

from __future__ import annotations

import click

__all__ = ["export_reference"]


@click.command("export-reference")
@click.argument("folder", metavar="RUN_DIR")
@click.option("-o", "--output", required=True, metavar="OUT", help="A new folder.")
def export_reference(folder: str, output: str) -> None:
    """Write a run's tasks, adapters, text embeddings and generator as a checkout of the reference has them.

    \b
    t2w export-reference runs/cifar100_classifier -o exported
    """
    from t2w.interop.export_tree import export_tree
    from t2w.progress import log_to_terminal

    log_to_terminal()
    for line in export_tree(folder, output):
        click.echo(line)
