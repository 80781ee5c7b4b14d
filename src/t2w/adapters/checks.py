"""What training and measuring expect of their inputs, said once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from t2w.adapters.spec import AdapterSpec
from t2w.errors import T2WError

if TYPE_CHECKING:
    from t2w.features import FeatureSet

__all__ = ["check_classes", "check_sizes"]


def check_sizes(spec: AdapterSpec, features: FeatureSet, text: Tensor) -> None:
    """Raises T2WError unless features and class texts have the adapter's sizes and there is a text for every class."""
    if features.dim != spec.in_features:
        raise T2WError(
            f"features of {features.dim} numbers per image",
            expected=f"{spec.in_features} (the adapter's in_features)",
            fix=f"set the adapter's in_features to {features.dim}, or use the features it was made for",
        )
    if text.dim() != 2 or text.shape[1] != spec.out_features:
        raise T2WError(
            f"class texts of shape {tuple(text.shape)}",
            expected=f"(classes, {spec.out_features}) (the adapter's out_features)",
            fix=f"set the adapter's out_features to {text.shape[-1]}, or use the text encoder it was made for",
        )
    if len(text) != (count := len(features.class_names)):
        raise T2WError(f"{len(text)} class texts for {count} classes", expected="one each, in the order of class_names")


def check_classes(classes: Sequence[int], counts: Sequence[int], names: Sequence[str], *, what: str) -> None:
    """Raises T2WError unless `classes` are two or more different class numbers, each with images.

    Args:
        counts: images of each class.
        what: the task, for the sentence, e.g. "task 7".
    """
    if len(classes) < 2:
        raise T2WError(f"{what} has {len(classes)} class(es)", expected="2 or more")
    for i, c in enumerate(classes):
        if c in classes[:i]:
            raise T2WError(f"{what} names class {c} twice", expected="different classes")
        if not 0 <= c < len(counts):
            expected = f"0..{len(counts) - 1} (there are {len(counts)} classes)"
            raise T2WError(f"{what} names class {c}", expected=expected)
        if counts[c] == 0:
            fix = "leave the class out, or extract its features"
            raise T2WError(f"class {c} ({names[c]!r}) of {what} has no images", expected="at least one", fix=fix)
