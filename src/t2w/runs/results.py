"""What a finished run shows: the report, and the scoreboard on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from t2w.errors import T2WError
from t2w.evaluation.report import DenoisingCurve, ExampleGrid, LossCurves, ReportData, write_report
from t2w.evaluation.scoreboard import Scoreboard
from t2w.files import read_json
from t2w.runs.run import Run

__all__ = ["show_results", "write_run_report"]

_PARTS = ("train", "validation", "accuracy")


def write_run_report(run: Run, board: Scoreboard, curves: list[DenoisingCurve], grids: list[ExampleGrid]) -> None:
    """Write report.html into the run folder."""
    from t2w.adapters.store import summarise

    training = read_json(run.path("train", "losses.json"), what="the generator's losses")
    data = ReportData(
        title=f"t2w: {run.config.name.replace('_', ' ')}",
        command=f"t2w run experiment={run.config.name} out={run.config.out}",
        scoreboard=board,
        losses=_curves(training),
        base_losses=tuple(run.base.losses.tolist()),
        denoising=tuple(curves),
        grids=tuple(grids),
        adapters=summarise(run.weights),
        config=run.config.to_dict(),
        tasks={
            "counts": board.provenance["tasks"],
            "seen_classes": list(run.task_set.seen_classes),
            "unseen_classes": list(run.task_set.unseen_classes),
        },
    )
    write_report(run.path("report.html"), data)


def _curves(training: dict[str, Any]) -> LossCurves:
    """The stage's losses.json, its two phases apart: they are not in one unit."""
    first = training["first_phase_steps"]
    pairs = {
        part: tuple((int(step), float(value)) for step, value in training[part]) for part in training if part in _PARTS
    }
    return LossCurves(
        train=tuple(pair for pair in pairs["train"] if pair[0] <= first),
        validation=tuple(pair for pair in pairs["validation"] if pair[0] <= first),
        task=tuple(pair for pair in pairs["train"] if pair[0] > first),
        accuracy=pairs["accuracy"],
    )


def show_results(folder: Path) -> None:
    """Print the scoreboard and where the report is.

    Raises:
        T2WError: the run has no scoreboard.
    """
    content = read_json(folder / "scoreboard.json", what="a scoreboard", fix=f"finish the run: t2w run out={folder}")
    try:
        board = Scoreboard.from_dict(content)
    except (KeyError, TypeError) as error:
        raise T2WError(
            f"{folder / 'scoreboard.json'} is not a scoreboard ({error})", fix="remove the folder eval"
        ) from error
    click.echo(board.render())
    click.echo(f"\n{folder / 'scoreboard.json'}\n{folder / 'report.html'}")
