"""`t2w tasks`, `features`, `train`, `eval`: the stages alone. Stages that must come before are done first."""

from __future__ import annotations

import click

from t2w.cli.common import reference_options, run_options, show, start, with_reference
from t2w.errors import T2WError

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
@click.option("-o", "--output", metavar="DIR", help="Of FILE.t2w: where the results go; by default FILE-eval.")
@click.option("--encoder", metavar="FOLDER", help="Of FILE.t2w: where its vision encoder is, if moved.")
@click.option("--skip-unknown", is_flag=True, help="Of FILE.t2w: leave out folders that name none of its classes.")
@click.option("--device", metavar="NAME", help="Of FILE.t2w: where its vision encoder runs: auto, cpu, cuda, mps.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Of FILE.t2w: images at once; by default 64.")
def evaluate(
    overrides: tuple[str, ...],
    update: bool,
    config_path: str | None,
    config_name: str | None,
    output: str | None,
    encoder: str | None,
    skip_unknown: bool,
    device: str | None,
    batch_size: int | None,
) -> None:
    """Score a run beside every baseline, or one classifier on a folder of class folders.

    Of a run: DIR/scoreboard.json, DIR/report.html. Of FILE.t2w: accuracy per class, confusion matrix, calibration; the
    last line is the accuracy alone. user/name on the Hugging Face hub is taken for a FILE.t2w.

    \b
    t2w eval experiment=digits
    t2w eval lunch.t2w photos/
    """
    first = overrides[0] if overrides else ""
    if first.endswith(".t2w") or (len(overrides) == 2 and "=" not in first):
        from t2w.cli.eval_folder import evaluate_folder_command

        if len(overrides) != 2:
            raise T2WError(f"{len(overrides) - 1} folders after {first}", expected="one, with a folder for every class")
        evaluate_folder_command(
            *overrides, output=output, skip_unknown=skip_unknown, source=encoder, device=device or "auto",
            batch_size=batch_size or 64,
        )  # fmt: skip
        return
    of_files: dict[str, object] = {"output": output, "encoder": encoder, "skip-unknown": skip_unknown or None}
    of_files |= {"device": device, "batch-size": batch_size}
    if given := [f"--{name}" for name, value in of_files.items() if value is not None]:
        raise T2WError(f"{given[0]} without FILE.t2w", fix="t2w eval FILE.t2w FOLDER")
    show(start(with_reference(overrides, config_path, config_name), update=update, last="eval"))
