"""What the verbs that work on a run folder share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from t2w.runs import Run

__all__ = ["run_options", "show", "start"]

F = TypeVar("F", bound=Callable[..., Any])


def run_options(function: F) -> F:
    """The arguments of a verb that works on a run folder."""
    function = click.option(
        "--update", is_flag=True, help="Let the run folder take a changed configuration; only what changes is redone."
    )(function)
    return click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")(function)


def start(overrides: Sequence[str], *, update: bool, last: str | None) -> Run:
    """Open the run that `overrides` describe and do its stages up to `last` (None: none)."""
    from t2w.config import compose
    from t2w.runs import open_run, run_stages
    from t2w.runs.logs import log_to_terminal

    log_to_terminal()
    run = open_run(compose(overrides), update=update)
    if last is not None:
        run_stages(run, last)
    return run


def show(run: Run) -> None:
    """Print the scoreboard of a finished run and where its files are."""
    from t2w.runs.results import show_results

    show_results(run.folder)
