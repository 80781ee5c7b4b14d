"""What a finished run shows: where its result came from, the report, the scoreboard on the terminal."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click

from t2w.errors import T2WError
from t2w.evaluation.report import DenoisingCurve, ExampleGrid, LossCurves, ReportData, render_report
from t2w.evaluation.scoreboard import Scoreboard
from t2w.files import read_json, sha256_of, write_text
from t2w.runs.engine import STAGES, stage_fingerprint, stage_record
from t2w.runs.run import Run
from t2w.tasks import SPLITS

__all__ = ["provenance", "show_results", "write_run_report"]

_PACKAGES = ("t2w", "torch", "numpy", "scikit-learn", "sentence-transformers")


def write_run_report(run: Run, board: Scoreboard, curves: list[DenoisingCurve], grids: list[ExampleGrid]) -> None:
    """Write report.html into the run folder."""
    from t2w.adapters.store import summarise

    data = ReportData(
        title=f"t2w: {run.config.name.replace('_', ' ')}",
        command=f"t2w run experiment={run.config.name} out={run.config.out}",
        scoreboard=board,
        losses=_curves(read_json(run.path("train", "losses.json"), what="the generator's losses")),
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
    write_text(run.path("report.html"), render_report(data))


def _curves(training: dict[str, Any]) -> LossCurves:
    """The stage's losses.json, its two phases apart: they are not in one unit."""
    train, validation, accuracy = (
        [(int(step), float(value)) for step, value in training[part]] for part in ("train", "validation", "accuracy")
    )
    first = training["first_phase_steps"]
    weights, validated = (tuple(pair for pair in pairs if pair[0] <= first) for pairs in (train, validation))
    return LossCurves(weights, validated, tuple(pair for pair in train if pair[0] > first), tuple(accuracy))


def show_results(folder: Path) -> None:
    """Print the scoreboard and where the report is.

    Raises:
        T2WError: the run has no scoreboard.
    """
    path = folder / "scoreboard.json"
    content = read_json(path, what="a scoreboard", fix=f"finish the run: t2w run out={folder}")
    try:
        board = Scoreboard.from_dict(content)
    except (KeyError, TypeError) as error:
        raise T2WError(f"{path} is not a scoreboard ({error})", fix="remove the folder eval") from error
    click.echo(f"{board.render()}\n\n{path}\n{folder / 'report.html'}")


def provenance(run: Run) -> dict[str, Any]:
    """What it takes to tell whether two results should be equal, and to make this one again."""
    task_set, (train, test) = run.task_set, run.features
    return {
        "run": run.config.name,
        "fingerprint": stage_fingerprint(run.config, "eval"),
        "seed": run.config.seed,
        "split_seed": run.config.tasks.split_seed,
        "tasks": {split: len(task_set.of(split)) for split in SPLITS},
        "classes": {"seen": len(task_set.seen_classes), "unseen": len(task_set.unseen_classes)},
        "images": {"train": len(train), "test": len(test)},
        "vision_encoder": train.encoder,
        "text_encoder": run.texts[1],
        "text": dict(task_set.text_mode),
        "recipe": run.config.recipe.to_dict(),
        "generator_sha256": sha256_of(run.generator_file),
        "versions": {"python": platform.python_version()} | {name: v for name in _PACKAGES if (v := _version(name))},
        "seconds": {name: s for name in STAGES if (s := stage_record(run.folder, name).get("seconds")) is not None},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
