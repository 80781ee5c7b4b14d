"""The cards of the weights that ship: what they are, from what, by which command, how good. All figures are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["encoder_card", "generator_card"]

_DATA = """- **Data:** Tiny-ImageNet-200, 250 of the 500 training images of each class (50,000 images of 64x64 pixels),
  10,000 validation images for the figures alone. The images are ImageNet's, whose terms allow non-commercial research
  and education (https://image-net.org/download); they are not part of this package. Whether weights made from them are
  bound by these terms is not settled: ask a lawyer before you sell something that rests on them."""


def encoder_card(figures: Mapping[str, Any]) -> str:
    """Of `assets/encoder.safetensors`.

    Args:
        figures: what `train_encoder` wrote to encoder.json.
    """
    recipe = figures["recipe"]
    return f"""# The embedded vision encoder

A residual network, 64x64 pixels to 512 features, {figures["parameters"]:,} parameters in float16, batch normalisation
folded into the convolutions.

{_DATA}
- **Teacher:** 512 numbers per training image: a MobileNetV1 pretrained on ImageNet (1.2 million images, 1,000 classes),
  its features pooled after the 12th block and reduced by PCA. The student learns to give the same numbers (weight
  {recipe["teaching"]:g}) and to tell the 200 classes apart (cross-entropy).
- **Command:** `python -m t2w.pretraining.train_encoder --zip tiny-imagenet-200.zip
  --teacher tiny-imagenet-200-features.safetensors -o runs/embedded_encoder`
- **Recipe:** {", ".join(f"{key} {value}" for key, value in recipe.items())}; AdamW, one cycle.
- **Time:** {figures["minutes"]:.0f} minutes on {figures["threads"]} CPU cores that were not always free.
- **Linear probe:** {100 * figures["probe_test"]:.1f} % of the 10,000 validation images, 200 ways (chance: 0.5). Its
  weight decay was chosen on held-out training images.
- **Know before use:** all 200 classes, and through the teacher ImageNet's 1,000, were seen with labels. "Unseen class"
  in a scoreboard made with this encoder means unseen by the adapters and the generator, not by the encoder. An image
  is cut to its middle square and shrunk to 64x64 pixels: small things in large photographs are lost. The
  recipe was fixed beforehand; nothing was chosen on the validation images.
"""


def generator_card(
    identity: Mapping[str, Any], parameters: int, losses: Mapping[str, Any], sister: str, tasks: int, sister_tasks: int
) -> str:
    """Of `assets/generator.safetensors`.

    Args:
        identity: of the generator.
        losses: the run's losses.json.
        sister: the scoreboard of the sister run, as text.
        tasks: training tasks of the generator that ships.
        sister_tasks: those of the sister run.
    """
    reached = max((accuracy for _, accuracy in losses["accuracy"]), default=float("nan"))
    return f"""# The embedded generator

Class names to the weights of an adapter 512-16-384 on the embedded encoder's features, {parameters:,} parameters in
float16, made in {identity["sampling"]["steps"]} sampling step(s).

{_DATA}
- **Encoders:** {identity["vision"]["identity"]}; {identity["text_encoder"]}; texts "{identity["text"]["template"]}".
- **Command:** `t2w run experiment=embedded`, then `python -m t2w.pretraining.publish`.
- **Training:** {tasks:,} tasks, all {len(identity["class_names"])} classes; {losses["train"][-1][0]:,} steps,
  {losses["seconds"] / 60:.0f} minutes beside other work on 2 CPU cores. Accuracy on validation tasks, on training
  images that nothing but the encoder was trained on: {100 * reached:.1f} %.
- **Know before use:** it has no scoreboard of its own on unseen classes, because it has seen all 200. The one below is
  of a sister run with 160 seen and 40 unseen classes and {sister_tasks:,} training tasks (`t2w run
  experiment=tiny_imagenet_images`), split seed 0, one run. For classes outside the 200 expect what stands there under
  "unseen class": the generator's weights are then hardly better, or worse, than the shared base adapter's.

```
{sister}
```
"""
