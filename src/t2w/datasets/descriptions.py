"""What the classes of a dataset look like, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files

from t2w.datasets.registry import class_list

__all__ = ["descriptions"]


def descriptions(name: str) -> Mapping[str, str]:
    """One sentence of 8 to 20 words per class, by class name in the order of `class_list`: what is seen of it.

    `TextMode.described` makes texts of them. They tell of the class, not of the images of the dataset.

    Args:
        name: "cifar100" (100), "caltech256" (257, with clutter) or "tiny_imagenet" (200).

    Raises:
        T2WError: no class list of that name.
    """
    class_list(name)
    path = files("t2w.datasets").joinpath("class_lists").joinpath(f"{name}_descriptions.json")
    sentences: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return sentences
