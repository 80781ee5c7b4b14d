from __future__ import annotations

import numpy as np

from t2w.datasets import DIGIT_NAMES, load_digits


def test_the_real_digits_split_70_30_in_every_class() -> None:
    train, test = load_digits()
    assert (len(train), len(test), len(train) + len(test)) == (1258, 539, 1797)
    for digit in range(10):
        n_train, n_test = (train.labels == digit).sum(), (test.labels == digit).sum()
        assert abs(n_train - 0.7 * (n_train + n_test)) <= 0.5
    assert train.class_names == DIGIT_NAMES
    assert train.class_names[3] == "three"


def test_pixels_are_as_stored_and_no_row_is_in_both_splits() -> None:
    from sklearn.datasets import load_digits as bundled

    train, test = load_digits()
    assert train.images.dtype == np.uint8
    assert (train.images.shape[1:], train.images.max(), train.max_value) == ((8, 8), 16, 16)

    def rows(images: np.ndarray, labels: np.ndarray) -> list[bytes]:
        return sorted(
            image.astype(np.uint8).tobytes() + bytes([label]) for image, label in zip(images, labels, strict=True)
        )

    both = rows(np.concatenate([train.images, test.images]), np.concatenate([train.labels, test.labels]))
    assert both == rows(bundled().images, bundled().target)


def test_split_is_always_the_same() -> None:
    first, second = load_digits()[1], load_digits()[1]
    assert np.array_equal(first.images, second.images)
    assert first.labels[:12].tolist() == second.labels[:12].tolist()
    assert first.provenance["seed"] == 0
