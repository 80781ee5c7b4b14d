"""Puts a finished generator into `t2w/assets`: `python -m t2w.pretraining.publish --generator RUN --sister RUN`.

With its card and the scoreboard of its sister, from which classes were withheld. The dictionary of senses, with which
the generator is trained, is made first (`t2w.pretraining.dictionary`).
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from t2w.assets import CHECKSUMS
from t2w.errors import T2WError
from t2w.evaluation.scoreboard import Scoreboard
from t2w.files import load_tensors, read_json, save_tensors, sha256_of, write_json, write_text
from t2w.pretraining.cards import generator_card
from t2w.runs.audit import render
from t2w.tasks import load_tasks

__all__ = ["MAX_BYTES", "publish_generator", "record"]

GENERATOR, SCOREBOARD = "generator.safetensors", "scoreboard.json"
MAX_BYTES = 25_000_000  # of generator, concepts and senses together


def publish_generator(run: Path, sister: Path, assets: Path) -> None:
    """Copy a run's generator in float16, with its card and its sister's scoreboard."""
    tensors, metadata = load_tensors(run / "train" / GENERATOR, what="a generator")
    halved = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
    save_tensors(assets / GENERATOR, halved, metadata)
    board = read_json(sister / SCOREBOARD, what="a scoreboard")
    tasks = load_tasks(run / "tasks" / "tasks.json")
    card = generator_card(
        metadata["identity"],
        len(metadata["concepts"]),
        sum(value.numel() for name, value in tensors.items() if name.startswith("network.")),
        read_json(run / "train" / "losses.json", what="the generator's losses"),
        Scoreboard.from_dict(board).render(),
        len(tasks.of("train")),
        board["provenance"]["tasks"]["train"],
        render(read_json(sister / "audit.json", what="an audit", fix=f"make it: t2w audit {sister}")),
    )
    write_json(assets / SCOREBOARD, board)
    write_text(assets / "generator.md", card)
    record(assets, GENERATOR)


def record(assets: Path, name: str) -> None:
    """Enter a file's SHA-256 among those of the package. Raises T2WError where all files together are too large."""
    path = assets / CHECKSUMS
    sums = {**(read_json(path, what="checksums") if path.exists() else {}), name: sha256_of(assets / name)}
    size = sum((assets / known).stat().st_size for known in sums)
    if size > MAX_BYTES:
        raise T2WError(f"{', '.join(sums)} have {size:,} bytes", expected=f"at most {MAX_BYTES:,}: they ship with t2w")
    write_json(path, sums)
    click.echo(f"{assets / name}: {(assets / name).stat().st_size / 1e6:.1f} MB")


@click.command()
@click.option("--generator", required=True, help="The run of experiment=embedded, trained.")
@click.option("--sister", required=True, help="The finished run of experiment=tiny_imagenet_images, audited.")
def main(generator: str, sister: str) -> None:
    """Put finished weights into the package's source tree."""
    publish_generator(Path(generator), Path(sister), Path(str(files("t2w.assets"))))


if __name__ == "__main__":
    main()
