"""`t2w import-reference`: the reference implementation's files in our formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from typing import Literal

__all__ = ["import_reference"]


@click.command("import-reference")
@click.argument("folder", metavar="DIR")
@click.option("-o", "--output", required=True, metavar="OUT", help="A new folder.")
@click.option("--weights", type=click.Choice(["G", "G_ema"]), default="G", show_default=True, help="The generator's.")
@click.option("--n-head", type=click.IntRange(min=1), help="Of generators whose results folder has no config.yaml.")
@click.option("--skip-damaged", is_flag=True, help="Leave out adapters that cannot be read, and name them.")
def import_reference(
    folder: str, output: str, weights: Literal["G", "G_ema"], n_head: int | None, skip_damaged: bool
) -> None:
    """Read a checkout of the reference: its tasks, adapters, text embeddings and generators, whatever is there.

    \b
    t2w import-reference ~/T2W -o imported
    """
    from t2w.interop.import_tree import import_tree
    from t2w.progress import log_to_terminal

    log_to_terminal()
    for line in import_tree(folder, output, weights=weights, n_head=n_head, skip_damaged=skip_damaged):
        click.echo(line)
