"""How an adapter is trained: steps, rates, and what is held out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from math import ceil, cos, pi
from typing import Any, Literal, get_args

from t2w.errors import T2WError, nearest

__all__ = ["RECIPES", "Recipe", "Schedule", "recipe"]

Schedule = Literal["constant", "cosine"]


@dataclass(frozen=True)
class Recipe:
    """Adam (betas 0.9 and 0.999, eps 1e-8) on the cross-entropy of the task's own images.

    Images come as a stream of shuffled passes over the task's training images, cut into batches that are always full.

    Attributes:
        name: what the recipe is called in records.
        steps: optimiser steps; None where `epochs` gives them.
        epochs: passes over the task's training images: steps = epochs x ceil(images / batch_size). None: `steps` holds.
        batch_size: images per step.
        learning_rate: Adam's rate (at the first step of a schedule).
        schedule: "constant", or "cosine" (from `learning_rate` down to 0 over the task's steps).
        validation_fraction: share of each class's training images held out, in [0, 1); never trained on. 0 holds none
            out.
        patience: stop after this many evaluations without a better validation accuracy, and keep the best weights;
            None trains to the end and keeps the last. Looks at held-out training images only, never at test images.
        evaluate_every: steps between those evaluations (used with `patience`).

    Raises:
        T2WError: a value outside its range, naming all of them at once.
    """

    name: str
    steps: int | None = None
    epochs: int | None = None
    batch_size: int = 64
    learning_rate: float = 1e-3
    schedule: Schedule = "cosine"
    validation_fraction: float = 0.0
    patience: int | None = None
    evaluate_every: int = 50

    def __post_init__(self) -> None:
        rules = {
            "steps": ((self.steps is None) != (self.epochs is None), "given, or epochs, but not both"),
            "epochs": (self.epochs is None or self.epochs >= 1, "1 or more"),
            "batch_size": (self.batch_size >= 1, "1 or more"),
            "learning_rate": (self.learning_rate > 0, "above 0"),
            "schedule": (self.schedule in get_args(Schedule), " or ".join(get_args(Schedule))),
            "validation_fraction": (0 <= self.validation_fraction < 1, "in [0, 1)"),
            "patience": (self.patience is None or self.patience >= 1, "1 or more, or none"),
            "evaluate_every": (self.evaluate_every >= 1, "1 or more"),
        }
        if self.steps is not None and self.steps < 1:
            rules["steps"] = (False, "1 or more")
        wrong = {name: rule for name, (fine, rule) in rules.items() if not fine}
        if wrong:
            found = ", ".join(f"{name} = {getattr(self, name)!r}" for name in wrong)
            raise T2WError(
                f"recipe {self.name!r} has {found}", expected=", ".join(f"{n} {rule}" for n, rule in wrong.items())
            )
        if self.patience is not None and self.validation_fraction == 0:
            raise T2WError(
                f"recipe {self.name!r} stops early (patience = {self.patience}) but holds no images out",
                fix="set validation_fraction, e.g. 0.1",
            )

    def steps_for(self, images: int) -> int:
        """Optimiser steps for a task with this many training images."""
        return self.steps if self.steps is not None else (self.epochs or 0) * ceil(images / self.batch_size)

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of step 0 .. steps - 1; the cosine begins at `learning_rate` and would be 0 at `steps`."""
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * 0.5 * (1.0 + cos(pi * step / steps))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


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
