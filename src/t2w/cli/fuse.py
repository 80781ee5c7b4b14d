"""`t2w fuse`: several classifiers made into one of all their classes."""

from __future__ import annotations

from pathlib import Path

import click

from t2w.errors import T2WError

__all__ = ["fuse"]


@click.command()
@click.argument("classifiers", metavar="CLASSIFIER CLASSIFIER...", nargs=-1, required=True)
@click.option("-o", "--output", required=True, metavar="FILE.t2w", help="The fused classifier's file.")
def fuse(classifiers: tuple[str, ...], output: str) -> None:
    """Make one classifier of several: it decides between the classes of all of them, at once.

    The files hold all it takes: no generator, no pictures. What each learnt from pictures stays. Where there was
    nothing to learn, `t2w generate` with all the classes does as well. A CLASSIFIER is a .t2w file, or user/name on the
    Hugging Face hub.

    \b
    t2w generate --classes "tabby, espresso" -o a.t2w
    t2w generate --classes "school bus, pizza" -o b.t2w
    t2w fuse a.t2w b.t2w -o both.t2w
    """
    first: dict[Path, str] = {}
    for name in classifiers:
        if (other := first.get(Path(name).resolve())) is not None:
            same = f"{name} is given twice" if other == name else f"{other} and {name} are the same file"
            raise T2WError(same, expected="different classifiers")
        first[Path(name).resolve()] = name
    if len(classifiers) < 2:
        raise T2WError(f"only {classifiers[0]} is given", expected="two classifiers or more")
    from t2w.classifier import Classifier
    from t2w.fusion import fuse as fuse_all

    parts = [Classifier.from_pretrained(name) for name in classifiers]
    fused = fuse_all(parts, called=classifiers)
    fused.save(output)
    shared = sum(len(part.classes) for part in parts) - len(fused.classes)
    again = f", {shared} of them in more than one file" if shared else ""
    click.echo(f"{output}: {len(fused.classes)} classes of {len(parts)} classifiers{again}")
