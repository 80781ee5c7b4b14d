"""`t2w sort`: photographs into a folder for each class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from t2w.cli.naming import classifier_of_words, naming_options
from t2w.errors import T2WError
from t2w.sorting.decide import UNSURE_BELOW
from t2w.sorting.entry import DONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from t2w.classifier import Classifier
    from t2w.images import Refused
    from t2w.sorting import How, SortResult

__all__ = ["sort"]

_SOME_REFUSED = 1
_MOST_NAMED = 20  # of the photographs that were left; the contact sheet names them all


@click.command()
@click.argument("paths", nargs=-1, metavar="[PHOTOS]...")
@click.option("--into", metavar="FOLDER", help="The sorted folder; it may lie inside PHOTOS.")
@naming_options
@click.option("--classifier", metavar="FILE.t2w", help="A classifier, in the place of classes.")
@click.option("--copy", "how", flag_value="copy", default=True, help="Copy, with times and permissions: the default.")
@click.option("--link", "how", flag_value="link", help="Hard links: they take no space.")
@click.option("--move", "how", flag_value="move", help="Move; --undo takes it back.")
@click.option("--undo", metavar="FOLDER", help="Move everything that --move brought into FOLDER back, and stop.")
@click.option(
    "--unsure-below", default=UNSURE_BELOW, show_default=True, type=click.FloatRange(0, 1),
    help="Where the best class is less probable, the photograph goes into the folder unsure.",
)  # fmt: skip
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of a classifier from classes.")
@click.option("--device", default="auto", show_default=True, help="Of the vision encoder: cpu, cuda, cuda:1, mps.")
@click.option("--encoder", metavar="FOLDER", help="Where the vision encoder of --classifier is, if not where it says.")
@click.option("--batch-size", default=64, show_default=True, type=click.IntRange(min=1), help="Photographs at once.")
def sort(
    paths: tuple[str, ...],
    into: str | None,
    classifier: str | None,
    how: How,
    undo: str | None,
    unsure_below: float,
    seed: int,
    device: str,
    encoder: str | None,
    batch_size: int,
    **words: Any,
) -> int | None:
    """Sort photographs: image files, and folders with everything in them, into a folder for each class.

    What no class is probable enough for goes into the folder unsure, what shows none of the classes into none of
    these. Beside them are index.html, a sheet to look through in any browser, and results.csv. Stop it when you like:
    the same command goes on, and new photographs are added. Nothing is overwritten.

    Exit code: 0 when every photograph was sorted, 1 when some were left where they are, 2 when nothing was sorted.

    \b
    t2w sort holiday/ --classes "beach, dog, food" --into sorted
    t2w sort holiday/ --classes "beach, dog, food" --photos holiday/ --into sorted    better, and slower
    t2w sort holiday/ --classifier mine.t2w --into holiday/sorted --move
    t2w sort --undo holiday/sorted
    """
    from t2w.progress import log_to_terminal
    from t2w.sorting import sort_photos

    log_to_terminal()
    if undo is not None:
        return _undo(undo, paths or into or classifier or words["classes"] or words["classes_file"])
    if not paths:
        raise T2WError("no photographs", expected="image files or folders of them")
    if into is None:
        raise T2WError("no folder to sort into", expected="--into FOLDER")
    result = sort_photos(
        _classifier(classifier, words, seed=seed, device=device, encoder=encoder), paths, into,
        how=how, unsure_below=unsure_below, batch_size=batch_size,
    )  # fmt: skip
    _name_refused(result.refused, rest=f"the others are named in {result.sheet}")
    if not result.entries and result.refused:
        raise T2WError(f"none of {len(result.refused)} could be sorted", fix="the reasons stand above")
    _show(result)
    return _SOME_REFUSED if result.refused else None


def _classifier(file: str | None, words: dict[str, Any], *, seed: int, device: str, encoder: str | None) -> Classifier:
    if file is None:
        return classifier_of_words(**words, seed=seed, device=device)
    if any(words[name] for name in ("classes", "classes_file", "texts", "senses", "photos", "examples")):
        raise T2WError("both --classifier and what describes another", expected="--classifier alone, or classes")
    from t2w.classifier import Classifier

    return Classifier.from_pretrained(file, device=device, encoder=encoder)


def _show(result: SortResult) -> None:
    from t2w.cli.columns import fit, width_of

    width = min(max(map(width_of, result.counts)), 40)
    for folder, count in result.counts.items():
        click.echo(f"{fit(folder, width)}  {count:7,}")
    before = len(result.entries) - result.new
    told = [f"{result.new:,} {DONE[result.how]}"]
    told += [f"{before:,} sorted before"] if before else []
    told += [f"{result.gone:,} taken out by hand"] if result.gone else []
    told += [f"{len(result.refused):,} left where they are"] if result.refused else []
    click.echo(f"{click.format_filename(result.sheet)}: {', '.join(told)}")


def _undo(folder: str, others: object) -> int | None:
    from t2w.sorting import undo_sort

    if others:
        raise T2WError("--undo with photographs, classes or --into", expected="--undo FOLDER alone")
    undone = undo_sort(folder)
    _name_refused(undone.refused, rest=f"the log in {folder} has them all")
    if undone.refused and not undone.moved:
        raise T2WError(f"none of {len(undone.refused)} could be moved back", fix="the reasons stand above")
    click.echo(f"{Path(folder)}: {undone.moved:,} moved back")
    return _SOME_REFUSED if undone.refused else None


def _name_refused(refused: Sequence[Refused], *, rest: str) -> None:
    from t2w.sorting.names import shown

    for path, error in refused[:_MOST_NAMED]:
        reason = str(error) if str(path) in str(error) else f"{path}: {error}"
        click.echo(f"left: {shown(reason)}", err=True)
    if len(refused) > _MOST_NAMED:
        click.echo(f"left: {len(refused) - _MOST_NAMED} more; {rest}", err=True)
