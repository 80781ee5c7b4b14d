"""One split of a dataset that comes without one: by class, seeded, the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from t2w.datasets.image_set import ImageSet
from t2w.datasets.tree import Tree, natural
from t2w.errors import T2WError
from t2w.files import fingerprint
from t2w.seeds import derive_seed

__all__ = ["TRAIN_SHARE", "set_of", "stratified"]

TRAIN_SHARE = 0.8


def stratified(of_class: Mapping[str, Sequence[str]], seed: int) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """(train, test) files of each class: 80 and 20 %, at least one each.

    The draw of a class depends on the seed, the class's name and its files alone.

    Raises:
        T2WError: a class with fewer than two images.
    """
    import numpy as np

    train, test = {}, {}
    for name, files in of_class.items():
        if len(files) < 2:
            raise T2WError(f"class {name!r} has {len(files)} image(s)", expected="at least 2, to train on and to test")
        ordered = sorted(files, key=natural)
        order = np.random.default_rng(derive_seed("split", seed, name)).permutation(len(ordered))
        count = min(max(round(TRAIN_SHARE * len(ordered)), 1), len(ordered) - 1)
        train[name] = [ordered[i] for i in sorted(order[:count])]
        test[name] = [ordered[i] for i in sorted(order[count:])]
    return train, test


def set_of(tree: Tree, of_class: Mapping[str, Sequence[str]], names: Mapping[str, str], **about: Any) -> ImageSet:
    """The images of a split, class by class.

    Args:
        of_class: files by class folder.
        names: what each class folder is called.
        about: the other fields of the ImageSet. The split's files stand in its provenance as a hash.
    """
    import numpy as np

    files = [file for folder in names for file in of_class[folder]]
    labels = np.repeat(np.arange(len(names)), [len(of_class[folder]) for folder in names]).astype(np.int64)
    provenance = {**about.pop("provenance", {}), "files": fingerprint(files)}
    return ImageSet(
        images=tree.images(files), labels=labels, class_names=tuple(names.values()), provenance=provenance, **about
    )
