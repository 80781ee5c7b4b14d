"""How an adapter is trained: steps, rates, and what is held out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from math import ceil, cos, pi
from typing import Any, ClassVar, Literal

from t2w.errors import T2WError, nearest
from t2w.settings import Count, Positive, Settings, Share

__all__ = ["RECIPES", "Recipe", "Schedule", "recipe"]

Schedule = Literal["constant", "cosine"]


@dataclass(frozen=True)
class Recipe(Settings):
    """Adam (betas 0.9 and 0.999, eps 1e-8) on the cross-entropy of the task's own images.

    Images come as a stream of shuffled passes over the task's training images, cut into batches that are always full.

    Attributes:
        name: what the recipe is called in records.
        steps: optimiser steps; None where `epochs` gives them.
        epochs: passes over the task's training images: steps = epochs x ceil(images / batch_size). None: `steps` holds.
        batch_size: images per step.
        learning_rate: Adam's rate (at the first step of a schedule).
        schedule: "constant", or "cosine" (from `learning_rate` down to 0 over the task's steps).
        validation_fraction: share of each class's training images held out, never trained on. 0 holds none out.
        patience: stop after this many evaluations without a better validation accuracy, and keep the best weights;
            None trains to the end and keeps the last. Looks at held-out training images only, never at test images.
        evaluate_every: steps between those evaluations (used with `patience`).
    """

    section: ClassVar[str] = "recipe"

    name: str
    steps: Count | None = None
    epochs: Count | None = None
    batch_size: Count = 64
    learning_rate: Positive = 1e-3
    schedule: Schedule = "cosine"
    validation_fraction: Share = 0.0
    patience: Count | None = None
    evaluate_every: Count = 50

    def rules(self) -> Iterator[str]:
        if (self.steps is None) == (self.epochs is None):
            yield f"recipe.steps is {self.steps} and recipe.epochs is {self.epochs}; give one, set the other to null"
        if self.patience is not None and self.validation_fraction == 0:
            yield "recipe.patience needs held-out images; set recipe.validation_fraction, e.g. to 0.1"

    def steps_for(self, images: int) -> int:
        """Optimiser steps for a task with this many training images."""
        return self.steps if self.steps is not None else (self.epochs or 0) * ceil(images / self.batch_size)

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of step 0 .. steps - 1; the cosine begins at `learning_rate` and would be 0 at `steps`."""
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * 0.5 * (1.0 + cos(pi * step / steps))


RECIPES: dict[str, Recipe] = {
    "paper": Recipe("paper", epochs=10, learning_rate=1e-4, schedule="constant"),
    "fast": Recipe("fast", steps=300, learning_rate=1e-3),
    "best": Recipe("best", steps=600, learning_rate=3e-3),
}


def recipe(name: str, **changes: Any) -> Recipe:
    """A named recipe with some of its fields changed, e.g. `recipe("fast", steps=500)`.

    Giving `steps` alone switches `epochs` off, and the other way round.

    Raises:
        T2WError: unknown recipe or field, or a value outside its range.
    """
    if name not in RECIPES:
        raise T2WError(f"recipe {name!r}{nearest(name, RECIPES)}", expected=" or ".join(RECIPES))
    known = [field.name for field in fields(Recipe)]
    for field in changes:
        if field not in known:
            raise T2WError(f"recipe field {field!r}{nearest(field, known)}", expected=", ".join(known))
    if changes.get("steps") is not None:
        changes.setdefault("epochs", None)
    if changes.get("epochs") is not None:
        changes.setdefault("steps", None)
    return replace(RECIPES[name], **changes)
