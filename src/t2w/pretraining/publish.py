"""Puts finished weights into `t2w/assets`: `python -m t2w.pretraining.publish --encoder DIR`.

And `--generator RUN --sister RUN`. The encoder comes first and alone, because the generator is trained on its features.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from t2w.assets import CHECKSUMS
from t2w.errors import T2WError
from t2w.evaluation.scoreboard import Scoreboard
from t2w.files import load_tensors, read_json, save_tensors, sha256_of, write_json, write_text
from t2w.pretraining.cards import encoder_card, generator_card
from t2w.tasks import load_tasks

__all__ = ["publish_encoder", "publish_generator"]

ENCODER, GENERATOR, SCOREBOARD = "encoder.safetensors", "generator.safetensors", "scoreboard.json"
MAX_BYTES = {ENCODER: 6_000_000, GENERATOR: 12_000_000}


def publish_encoder(source: Path, assets: Path) -> None:
    """Copy the encoder that `train_encoder` left in `source`, and write its card."""
    tensors, metadata = load_tensors(source / ENCODER, what="an embedded encoder")
    save_tensors(assets / ENCODER, tensors, metadata)
    write_text(assets / "encoder.md", encoder_card(read_json(source / "encoder.json", what="the encoder's figures")))
    _record(assets, ENCODER)


def publish_generator(run: Path, sister: Path, assets: Path) -> None:
    """Copy a run's generator in float16, open to every class name, with its card and its sister's scoreboard."""
    tensors, metadata = load_tensors(run / "train" / GENERATOR, what="a generator")
    identity = {**metadata["identity"], "any_class": True}
    save_tensors(
        assets / GENERATOR, {name: value.half() for name, value in tensors.items()}, {**metadata, "identity": identity}
    )
    board = read_json(sister / SCOREBOARD, what="a scoreboard")
    tasks = load_tasks(run / "tasks" / "tasks.json")
    card = generator_card(
        identity,
        sum(value.numel() for name, value in tensors.items() if name.startswith("network.")),
        read_json(run / "train" / "losses.json", what="the generator's losses"),
        Scoreboard.from_dict(board).render(),
        len(tasks.of("train")),
        board["provenance"]["tasks"]["train"],
    )
    write_json(assets / SCOREBOARD, board)
    write_text(assets / "generator.md", card)
    _record(assets, GENERATOR)


def _record(assets: Path, name: str) -> None:
    size = (assets / name).stat().st_size
    if size > MAX_BYTES[name]:
        raise T2WError(f"{name} has {size:,} bytes", expected=f"at most {MAX_BYTES[name]:,}: it ships with the package")
    path = assets / CHECKSUMS
    known = read_json(path, what="checksums") if path.exists() else {}
    write_json(path, {**known, name: sha256_of(assets / name)})
    click.echo(f"{assets / name}: {size / 1e6:.1f} MB")


@click.command()
@click.option("--encoder", help="The folder train_encoder wrote.")
@click.option("--generator", help="The run of experiment=embedded, trained.")
@click.option("--sister", help="The finished run of experiment=tiny_imagenet_images: the scoreboard.")
def main(encoder: str | None, generator: str | None, sister: str | None) -> None:
    """Put finished weights into the package's source tree."""
    assets = Path(str(files("t2w.assets")))
    if encoder:
        publish_encoder(Path(encoder), assets)
    if generator and sister:
        publish_generator(Path(generator), Path(sister), assets)
    elif generator or sister:
        raise click.UsageError("--generator and --sister belong together")


if __name__ == "__main__":
    main()
