"""`t2w eval FILE.t2w FOLDER`: a classifier on a folder of class folders. The verb itself is in stages.py."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from t2w.cli.columns import fit, width_of
from t2w.cli.common import beside, check_writable

if TYPE_CHECKING:
    from t2w.evaluation.folder import ClassScore, FolderEvaluation

__all__ = ["evaluate_folder_command"]

_MOST_ROWS = 20
_MOST_COLUMNS = 32  # of a class name
_MOST_NAMED = 20  # of the files that were refused; results.json has them all


def evaluate_folder_command(
    classifier: str,
    folder: str,
    *,
    output: str | None,
    skip_unknown: bool,
    source: str | None,
    device: str,
    batch_size: int,
) -> None:
    """Evaluate a classifier, write its results, and print a table that ends with the accuracy alone.

    The arguments are those of `t2w eval`. Raises T2WError as `evaluate_folder`, or where results cannot be written.
    """
    from t2w.classifier import Classifier
    from t2w.evaluation.folder import evaluate_folder, write_evaluation
    from t2w.progress import log_to_terminal

    log_to_terminal()
    found = Classifier.from_pretrained(classifier, device=device, encoder=source)
    place = Path(output) if output is not None else beside(classifier, "-eval")
    check_writable(place)  # before the long work
    evaluation = evaluate_folder(found, folder, skip_unknown=skip_unknown, batch_size=batch_size)
    about = {"classifier": classifier, "folder": str(folder), "vision": found.encoder.identity}
    written = write_evaluation(place, evaluation, about)
    _warn(evaluation, place)
    click.echo(_table(evaluation))
    for file in written:
        click.echo(file)
    click.echo(f"accuracy: {evaluation.accuracy.mean:.3f}")


def _warn(evaluation: FolderEvaluation, place: Path) -> None:
    for _, reason in evaluation.refused[:_MOST_NAMED]:
        click.echo(f"refused: {reason}", err=True)
    if count := len(evaluation.refused):
        rest = f"; the others are named in {place / 'results.json'}" if count > _MOST_NAMED else ""
        click.echo(f"{count} images could not be read and are not counted{rest}", err=True)
    if evaluation.skipped:
        click.echo(f"folders of no class, left out: {', '.join(evaluation.skipped)}", err=True)
    if absent := [score.name for score in evaluation.by_class if not score.images]:
        shown = ", ".join(absent[:10]) + (f" and {len(absent) - 10} more" if len(absent) > 10 else "")
        click.echo(f"classes without images: {shown}", err=True)


def _table(evaluation: FolderEvaluation) -> str:
    scores = [score for score in evaluation.by_class if score.accuracy is not None]
    shown = sorted(scores, key=_accuracy)[:_MOST_ROWS] if len(scores) > _MOST_ROWS else scores
    width = min(max(5, *(width_of(score.name) for score in shown)), _MOST_COLUMNS)
    lines = [f"{fit('class', width)}  images  accuracy         95 %  most mistaken for"]
    lines += [_row(score, width) for score in shown]
    if len(shown) < len(scores):
        lines.append(f"the {len(shown)} classes it knows least of {len(scores)}; all are in results.json")
    total, error = evaluation.accuracy, evaluation.calibration.error
    lines.append(
        f"\n{len(evaluation.truth):,} images of {len(scores)} classes: {100 * total.mean:.1f} % right "
        f"({100 * total.low:.1f} to {100 * total.high:.1f}), calibration error {100 * error:.1f} points"
    )
    return "\n".join(lines)


def _row(score: ClassScore, width: int) -> str:
    assert score.accuracy is not None  # classes without images have no row
    a = score.accuracy
    span = f"{100 * a.low:.1f} to {100 * a.high:.1f}"
    mistaken = "-" if score.mistaken_for is None else fit(score.mistaken_for, _MOST_COLUMNS).rstrip()
    return f"{fit(score.name, width)}  {score.images:6,}  {100 * a.mean:6.1f} %  {span:>13}  {mistaken}"


def _accuracy(score: ClassScore) -> float:
    return score.accuracy.mean if score.accuracy is not None else 1.0
