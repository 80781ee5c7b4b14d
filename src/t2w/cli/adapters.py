"""`t2w adapters`: the adapter factory, and a look at what it made."""

from __future__ import annotations

import click

from t2w.cli.common import run_options, start

__all__ = ["adapters"]


@click.command()
@run_options
@click.option("--summary", is_flag=True, help="Show what is there: accuracies, weights, the normaliser's constants.")
@click.option("--export", metavar="DIR", help="Write the adapters as a Hugging Face datasets folder (Parquet).")
@click.option("--licence", metavar="ID", default="unknown", help='Of the images, as the hub has them: "cc-by-4.0".')
@click.option("--push", metavar="USER/NAME", help="Push the exported folder to the hub; needs --export and a token.")
def adapters(
    overrides: tuple[str, ...], update: bool, summary: bool, export: str | None, licence: str, push: str | None
) -> None:
    """Train the adapters of all tasks, or of a range of them: DIR/adapters.

    Ranges made by several processes or machines in one folder add up; finished shards are not made again. With
    --summary alone nothing is trained.

    \b
    t2w adapters experiment=digits
    t2w adapters experiment=tiny_imagenet_features tasks.begin=0 tasks.end=1000 device=cuda:0
    t2w adapters experiment=tiny_imagenet_features launcher=ray launcher.address=auto
    t2w adapters experiment=digits --summary
    t2w adapters experiment=digits --export digits-adapters --licence cc-by-4.0 --push me/digits-adapters
    """
    if push and not export:
        raise click.UsageError("--push needs --export DIR: the folder that is pushed.")
    run = start(overrides, update=update, last=None if summary and not export else "adapters")
    if summary:
        from t2w.adapters.store import WeightDataset, render_summary, summarise

        there = WeightDataset.open(run.path("adapters", "weights"), complete=False)
        click.echo(render_summary(summarise(there)))
    if export:
        from t2w.adapters.store import export_parquet
        from t2w.files import read_json

        about = read_json(data) if (data := run.path("features", "data.json")).is_file() else {}
        source = f"{about['source']}. Licence: {about['licence']}." if about else None
        name = f"t2w adapters: {run.config.name}"
        click.echo(export_parquet(run.weights, export, name=name, licence=licence, source=source))
    if push:
        from t2w.adapters.store import push_folder

        assert export is not None  # checked above
        click.echo(push_folder(export, push))
    if not (summary or export):
        click.echo(run.path("adapters", "weights"))
