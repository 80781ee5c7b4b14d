"""`t2w export`: a classifier for where neither t2w nor PyTorch is."""

from __future__ import annotations

import click

__all__ = ["export"]


@click.command()
@click.argument("classifier", metavar="FILE.t2w")
@click.option("--to", required=True, type=click.Choice(["onnx", "numpy", "browser"]), help="What is written.")
@click.option("-o", "--output", required=True, metavar="PATH", help="FILE.onnx, FILE.npz, or the page's folder.")
@click.option("--int8", is_flag=True, help="The encoder in 8 bits: a quarter of the size. Needs --calibrate.")
@click.option(
    "--calibrate", metavar="PHOTOS",
    help="Photographs such as yours, for --int8; in class folders, its accuracy is measured on them too.",
)  # fmt: skip
@click.option("--encoder", metavar="FOLDER", help="Where the vision encoder is, if not where the classifier says.")
@click.option(
    "--onnxruntime-web", "runtime", metavar="FOLDER",
    help="The npm package onnxruntime-web, for browser; by default from the cache, or fetched once from npm.",
)  # fmt: skip
def export(
    classifier: str,
    to: str,
    output: str,
    int8: bool,
    calibrate: str | None,
    encoder: str | None,
    runtime: str | None,
) -> None:
    """Write a classifier for somewhere else. What is written is first tried: it answers as the classifier does.

    onnx: one file, pictures of any size in, probabilities out. numpy: arrays and a script, for features. browser: a
    folder with a page that sorts pictures where they are, opened as a file or from any server.

    \b
    t2w export mine.t2w --to onnx -o mine.onnx
    t2w export mine.t2w --to onnx -o small.onnx --int8 --calibrate PHOTOS-BY-CLASS
    t2w export mine.t2w --to numpy -o mine.npz
    t2w export mine.t2w --to browser -o page
    """
    from t2w.classifier import Classifier
    from t2w.export import export as write
    from t2w.progress import log_to_terminal

    log_to_terminal()
    found = Classifier.load(classifier, device="cpu", encoder=encoder)
    done = write(found, output, to=to, int8=int8, calibrate=calibrate, runtime=runtime)  # type: ignore[arg-type]
    for path, size in done.sizes():
        click.echo(f"{path}: {size / 1e6:.2f} MB")
    for line in done.notes:
        click.echo(line)
