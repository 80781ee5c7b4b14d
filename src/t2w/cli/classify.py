"""`t2w classify`: what a classifier says of image files."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from t2w.errors import T2WError

if TYPE_CHECKING:
    from t2w.classifier import Classifier, Prediction

__all__ = ["classify"]

_SOME_REFUSED = 1
_MOST_COLUMNS = 200  # of a table that goes to a file: no terminal cuts it


@click.command()
@click.argument("classifier", metavar="CLASSIFIER")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--top", default=3, show_default=True, type=click.IntRange(min=1), help="Classes shown for each image.")
@click.option(
    "--none", type=click.Choice(["on", "off"]), default="on", show_default=True,
    help="Say so where an image is none of the classes, and what it looks like instead.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON array on standard output, with all probabilities.")
@click.option("--device", default="auto", show_default=True, help="Of the vision encoder: cpu, cuda, cuda:1, mps.")
@click.option("--encoder", metavar="FOLDER", help="Where the vision encoder is, if not where the classifier says.")
@click.option("--batch-size", default=64, show_default=True, type=click.IntRange(min=1), help="Images at once.")
def classify(
    classifier: str,
    paths: tuple[str, ...],
    top: int,
    none: str,
    as_json: bool,
    device: str,
    encoder: str | None,
    batch_size: int,
) -> int | None:
    """Classify images: files, and folders with everything in them. Probabilities are in per cent.

    CLASSIFIER is a .t2w file, or user/name or user/name@revision on the Hugging Face hub.

    An image that shows none of the classes is named so, with the nearest thing the encoder knows; in JSON its label
    is null. An image that cannot be read is named on standard error with the reason, and the others are classified.
    Exit code: 0 when every image was classified, 1 when some were refused, 2 when none was classified.

    \b
    t2w classify lunch.t2w photo.jpg more/*.png folder/
    t2w classify lunch.t2w folder/ --top 1
    t2w classify lunch.t2w folder/ --json > lunch.json
    t2w classify me/lunch photo.jpg
    """
    from t2w.classifier import Classifier
    from t2w.images import image_files
    from t2w.progress import log_to_terminal, progress

    log_to_terminal()
    found = Classifier.from_pretrained(classifier, device=device, encoder=encoder)
    files, missing = image_files(paths)
    writer = _JsonWriter() if as_json else _Table(found, files, top)
    for path, error in missing:
        writer.refused(path, error)
    # A table on a terminal shows by itself how far it is; a bar would cut through it.
    watched = sys.stdout.isatty() and not as_json
    bar_or_none = nullcontext() if watched else progress("images", total=len(files), unit="image")
    n_refused = len(missing)
    with bar_or_none as bar:
        for batch in found.classify_each(files, none=none == "on", batch_size=batch_size):
            refused = dict(batch.refused)
            rows = {position: row for row, position in enumerate(batch.positions)}
            for position in sorted([*rows, *refused]):
                if position in refused:
                    writer.refused(files[position], refused[position])
                else:
                    assert batch.prediction is not None  # the batch has rows
                    writer.classified(files[position], batch.prediction, rows[position])
            n_refused += len(refused)
            if bar is not None:
                bar.update(len(rows) + len(refused))
    writer.close()
    total = len(files) + len(missing)
    if n_refused == total:
        raise T2WError(f"none of {total} could be classified", fix="the reasons stand above")
    if n_refused:
        click.echo(f"{n_refused} of {total} refused", err=True)
        return _SOME_REFUSED
    return None


def _say_refused(path: str | Path, error: T2WError) -> None:
    reason = str(error) if str(path) in str(error) else f"{path}: {error}"
    click.echo(f"refused: {click.format_filename(reason)}", err=True)


def _looks_like(answer: Prediction, row: int) -> str | None:
    """What an image looks like instead, where it is none of the classes."""
    if answer.none is None or answer.looks_like is None or not bool(answer.none[row]):
        return None
    return answer.looks_like[row]


class _Table:
    """A line per image, written as soon as it is known; the columns are as wide as the longest name."""

    def __init__(self, classifier: Classifier, files: Sequence[Path], top: int) -> None:
        from t2w.cli.columns import width_of

        self.top = min(top, len(classifier.classes))
        room = shutil.get_terminal_size().columns if sys.stdout.isatty() else _MOST_COLUMNS
        longest_class = max(map(width_of, classifier.classes))
        longest_file = max((width_of(str(file)) for file in files), default=4)
        # Of what a line has room for, the file takes up to a half, the classes share the rest.
        self.file_width = min(max(longest_file, 4), max(room // 2, 12))
        share = (room - self.file_width) // self.top - len("   100.0 %")
        self.class_width = min(longest_class, max(share, 8))
        self.started = False

    def classified(self, path: Path, answer: Prediction, row: int) -> None:
        from t2w.cli.columns import fit

        if not self.started:
            self.started = True
            heads = "".join(f"  {fit(f'{i + 1}.', self.class_width + 8)}" for i in range(self.top))
            click.echo((fit("file", self.file_width) + heads).rstrip())
        file = fit(click.format_filename(path), self.file_width, keep="end")
        if (like := _looks_like(answer, row)) is not None:
            click.echo(f"{file}  none of these (nearest known: {like})")
            return
        best = answer.probabilities[row].topk(self.top)
        cells = (
            f"  {fit(answer.classes[i], self.class_width)} {100 * p:5.1f} %"
            for p, i in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        )
        click.echo(file + "".join(cells))

    def refused(self, path: str | Path, error: T2WError) -> None:
        _say_refused(path, error)

    def close(self) -> None:
        pass


class _JsonWriter:
    """One array, written element by element, so that a folder of any size fits in memory."""

    def __init__(self) -> None:
        self.separator = "[\n"

    def _write(self, value: dict[str, Any]) -> None:
        click.echo(f"{self.separator}{json.dumps(value, ensure_ascii=False)}", nl=False)
        self.separator = ",\n"

    def classified(self, path: Path, answer: Prediction, row: int) -> None:
        like = _looks_like(answer, row)
        self._write(
            {
                "path": click.format_filename(path),
                "label": answer.labels[row] if like is None else None,
                "nearest_known": like,
                "probabilities": dict(zip(answer.classes, answer.probabilities[row].tolist(), strict=True)),
                "error": None,
            }
        )

    def refused(self, path: str | Path, error: T2WError) -> None:
        _say_refused(path, error)
        nothing = {"label": None, "nearest_known": None, "probabilities": None}
        self._write({"path": click.format_filename(path), **nothing, "error": str(error)})

    def close(self) -> None:
        click.echo("[]" if self.separator == "[\n" else "\n]")
