"""One split of a dataset that comes without one: by class, seeded, the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from t2w.errors import T2WError
from t2w.seeds import derive_seed

__all__ = ["ByClass", "natural", "stratified"]

_TRAIN_SHARE = 0.8
ByClass = dict[str, list[str]]  # files


def stratified(of_class: Mapping[str, Sequence[str]], seed: int) -> tuple[ByClass, ByClass, dict[str, Any]]:
    """(train, test) files of each class: 80 and 20 %, at least one each; and how that was done, for the provenance.

    The draw of a class depends on the seed, the class's name and its files alone. A class of one image is an error.
    """
    train, test = {}, {}
    for name, files in of_class.items():
        if len(files) < 2:
            raise T2WError(f"class {name!r} has {len(files)} image(s)", expected="at least 2, to train on and to test")
        ordered = sorted(files, key=natural)
        order = np.random.default_rng(derive_seed("split", seed, name)).permutation(len(ordered))
        count = min(max(round(_TRAIN_SHARE * len(ordered)), 1), len(ordered) - 1)
        train[name] = [ordered[i] for i in sorted(order[:count])]
        test[name] = [ordered[i] for i in sorted(order[count:])]
    return train, test, {"split": "stratified by class", "train_share": _TRAIN_SHARE, "seed": seed}


def natural(name: str) -> tuple[int, str]:
    """Sorts n0_2.JPEG before n0_10.JPEG: by the number a file's name ends in."""
    digits = PurePosixPath(name).stem.rpartition("_")[2]
    return (int(digits) if digits.isdecimal() else 0, name)
