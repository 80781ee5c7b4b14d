"""What the verbs that work on a run folder share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from t2w.errors import T2WError

if TYPE_CHECKING:
    from t2w.runs import Run

__all__ = [
    "SAMPLERS", "beside", "check_writable", "reference_options", "run_options", "show", "start", "with_reference",
]  # fmt: skip

# t2w.diffusion.SAMPLERS, said again because that import brings torch, too slow for --help
SAMPLERS = ("ddim", "dpm++", "ancestral")

F = TypeVar("F", bound=Callable[..., Any])


def run_options(function: F) -> F:
    """The arguments of a verb that works on a run folder."""
    function = click.option(
        "--update", is_flag=True, help="Let the run folder take a changed configuration; only what changes is redone."
    )(function)
    return click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")(function)


def reference_options(function: F) -> F:
    """`--config-path` and `--config-name`, as the reference's scripts take them."""
    function = click.option("--config-name", metavar="NAME", help="A YAML of the reference, without .yaml.")(function)
    return click.option("--config-path", metavar="DIR", help="The folder with the reference's YAML files.")(function)


def with_reference(overrides: tuple[str, ...], folder: str | None, name: str | None) -> tuple[str, ...]:
    """Overrides that a reference YAML comes to, those of the command line last; what it ignores is said.

    Raises:
        T2WError: only one of folder and name, or whatever is wrong in the YAML.
    """
    if folder is None and name is None:
        return overrides
    if folder is None or name is None:
        raise T2WError("only one of --config-path and --config-name", expected="both, or neither")
    from t2w.interop.reference_yaml import dataset_of, read_reference_yaml

    reference = read_reference_yaml(folder, name)
    for key in reference.ignored():
        click.echo(f"{name}: ignored: {key}", err=True)
    click.echo(
        f"{name}: adversarial training is off: the reference computes its term and multiplies it by zero "
        "(train.adversarial=0.01 turns a real one on)",
        err=True,
    )
    experiment = any(override.startswith("experiment=") for override in overrides)
    begin = () if experiment else (_experiment(dataset_of(reference.exp_name)),)
    return (*begin, *reference.overrides(), *overrides)


def _experiment(dataset: str | None) -> str:
    if dataset is None:
        raise T2WError(
            "the YAML does not say which data set it is for",
            expected="exp_name beginning with cifar100, caltech256 or imagenet",
            fix="name our experiment: experiment=imagenet_classifier",
        )
    return f"experiment={dataset.replace('tiny_imagenet', 'imagenet')}_classifier"


def beside(classifier: str, ending: str) -> Path:
    """Where what is made of a classifier goes: mine-eval beside mine.t2w, here for a classifier on the hub."""
    path = Path(classifier)
    if path.exists():
        return path.with_name(f"{path.stem if path.is_file() else path.name}{ending}")
    return Path(f"{path.name.partition('@')[0]}{ending}")


def check_writable(folder: Path) -> None:
    """Raises T2WError where a folder, there or to be made, cannot be written to."""
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise T2WError(f"{place} is {'read-only' if place.is_dir() else 'a file'}", expected="a folder to write into")


def start(overrides: Sequence[str], *, update: bool, last: str | None) -> Run:
    """Open the run that `overrides` describe and do its stages up to `last` (None: none)."""
    from t2w.config import compose
    from t2w.progress import log_to_terminal
    from t2w.runs import open_run, run_stages

    log_to_terminal()
    run = open_run(compose(overrides), update=update)
    if last is not None:
        run_stages(run, last)
    return run


def show(run: Run) -> None:
    """Print the scoreboard of a finished run and where its files are."""
    from t2w.runs.results import show_results

    show_results(run.folder)
