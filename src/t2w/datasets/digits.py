"""Real scanned digits, 8x8, from scikit-learn: the dataset that is always there."""

from __future__ import annotations

import numpy as np

from t2w.datasets.image_set import ImageSet
from t2w.extras import needs

__all__ = ["DIGIT_NAMES", "load_digits"]

DIGIT_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TRAIN_SHARE, _SEED = 0.7, 0


def load_digits() -> tuple[ImageSet, ImageSet]:
    """The 1,797 digits as (train, test): 70 % and 30 % of every class, always the same.

    The split is made by rows, not by writers: the copy in scikit-learn does not say who wrote which digit.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits (test part), UCI Machine Learning
    Repository, 1998, https://doi.org/10.24432/C50P49, as carried by scikit-learn.
    """
    with needs("the data set of digits"):
        from sklearn.datasets import load_digits as bundled  # takes a second to import

    data = bundled()
    images = data.images.astype(np.uint8)  # whole numbers 0 to 16, stored as floats there
    labels = data.target.astype(np.int64)
    is_train = np.zeros(len(labels), dtype=bool)
    rng = np.random.default_rng(_SEED)
    for digit in range(len(DIGIT_NAMES)):
        rows = rng.permutation(np.flatnonzero(labels == digit))
        is_train[rows[: round(_TRAIN_SHARE * len(rows))]] = True

    def part(split: str, rows: np.ndarray) -> ImageSet:
        return ImageSet(
            images[rows], labels[rows], DIGIT_NAMES, split, "digits", "CC BY 4.0",  # type: ignore[arg-type]
            "UCI Optical Recognition of Handwritten Digits, https://doi.org/10.24432/C50P49, via scikit-learn",
            max_value=16, provenance={"split": "stratified by class", "train_share": _TRAIN_SHARE, "seed": _SEED},
        )  # fmt: skip

    return part("train", is_train), part("test", ~is_train)
