"""`t2w tasks`, `features`, `train`, `eval`: the stages alone. Stages that must come before are done first."""

from __future__ import annotations

import click

from t2w.cli.common import reference_options, run_options, show, start, with_reference

__all__ = ["evaluate", "features", "tasks", "train"]


@click.command()
@run_options
def tasks(overrides: tuple[str, ...], update: bool) -> None:
    """Draw the tasks and their splits: DIR/tasks/tasks.json.

    \b
    t2w tasks experiment=digits tasks.n_train=300
    """
    click.echo(start(overrides, update=update, last="tasks").path("tasks", "tasks.json"))


@click.command()
@run_options
def features(overrides: tuple[str, ...], update: bool) -> None:
    """Encode images and class texts once, with the frozen encoders: DIR/features.

    \b
    t2w features experiment=digits
    """
    click.echo(start(overrides, update=update, last="features").path("features"))


@click.command()
@run_options
@reference_options
def train(overrides: tuple[str, ...], update: bool, config_path: str | None, config_name: str | None) -> None:
    """Train the generator on the weight dataset: DIR/train/generator.safetensors.

    \b
    t2w train experiment=digits train.steps=3000
    t2w train --config-path configs/train --config-name cifar100_classifier dataset.path=FILE
    """
    overrides = with_reference(overrides, config_path, config_name)
    click.echo(start(overrides, update=update, last="train").path("train", "generator.safetensors"))


@click.command("eval")
@run_options
@reference_options
def evaluate(overrides: tuple[str, ...], update: bool, config_path: str | None, config_name: str | None) -> None:
    """Score the generated adapters beside every baseline: DIR/scoreboard.json, DIR/report.html.

    \b
    t2w eval experiment=digits
    """
    show(start(with_reference(overrides, config_path, config_name), update=update, last="eval"))
