"""Features on disk: one safetensors file with both splits.

Tensors: train_features, train_labels, test_features, test_labels, and scale where the features are int8. Metadata:
format, version, class_names, encoder, preprocessing. A file that calls its test split `val_features`, `val_labels` and
has class names but no encoder is read as well; its encoder is then named by the hash of the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from t2w.errors import T2WError
from t2w.features.feature_set import FeatureSet
from t2w.files import load_tensors, save_tensors, sha256_of

__all__ = ["load_features", "save_features"]

_FORMAT, _VERSION = "t2w-features", 1
_WHAT = "a features file (safetensors)"
_REMAKE = "make it again with `t2w features`"


def save_features(path: str | Path, train: FeatureSet, test: FeatureSet) -> None:
    """Write both splits into one file.

    Raises:
        T2WError: the splits do not belong together, or the file cannot be written.
    """
    _check_pair(train, test)
    tensors = {f"{each.split}_{part}": getattr(each, part) for each in (train, test) for part in ("features", "labels")}
    if train.scale is not None:
        tensors["scale"] = train.scale
    about = {"class_names": list(train.class_names), "encoder": train.encoder, "preprocessing": train.preprocessing}
    save_tensors(path, tensors, {"format": _FORMAT, "version": _VERSION, **about})


def load_features(path: str | Path) -> tuple[FeatureSet, FeatureSet]:
    """Read a features file: (train, test). int8 stays int8 in memory.

    Raises:
        T2WError: missing, truncated, another kind of file, content that does not fit together, or a class without
            images.
    """
    tensors, metadata = load_tensors(path, what=_WHAT)
    try:
        pair = _decoded(path, tensors, metadata)
        _check_pair(*pair)
        for features in pair:
            counts = torch.bincount(features.labels, minlength=len(features.class_names))
            if bool((counts == 0).any()):
                name = features.class_names[int((counts == 0).int().argmax())]
                found = f"class {name!r} has no {features.split} image"
                raise T2WError(found, expected="images of every class in both splits")
    except T2WError as error:
        raise T2WError(f"{path}: {error.found}", expected=error.expected, fix=error.fix or _REMAKE) from error
    return pair


def _decoded(path: str | Path, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> tuple[FeatureSet, FeatureSet]:
    if metadata.get("format", _FORMAT) != _FORMAT:
        raise T2WError(f"the file holds {metadata['format']!r}", expected=f"{_FORMAT!r}", fix="choose another file")
    if metadata.get("version", _VERSION) != _VERSION:
        raise T2WError(f"the format version is {metadata['version']!r}", expected=f"version {_VERSION}")
    test = "val" if "val_features" in tensors and "test_features" not in tensors else "test"
    needed = [f"{split}_{part}" for split in ("train", test) for part in ("features", "labels")]
    if missing := [key for key in needed if key not in tensors]:
        raise T2WError(
            f"there is no {missing[0]} among its tensors ({', '.join(sorted(tensors)[:8]) or 'none'})",
            expected=", ".join(needed),
            fix="choose a features file",
        )
    names = metadata.get("class_names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise T2WError(f"the class_names in its metadata are {names!r:.60}", expected="a JSON list of names")
    common = {
        "class_names": tuple(names),
        "encoder": str(metadata.get("encoder") or f"unknown (file SHA-256 {sha256_of(path)[:16]})"),
        "preprocessing": str(metadata.get("preprocessing") or "unknown"),
    }
    return _split(tensors, "train", "train", **common), _split(tensors, test, "test", **common)


def _split(tensors: dict[str, Tensor], key: str, split: Literal["train", "test"], **common: Any) -> FeatureSet:
    features, labels = tensors[f"{key}_features"], tensors[f"{key}_labels"]
    if labels.is_floating_point() or labels.is_complex():
        raise T2WError(f"{key}_labels are {str(labels.dtype).removeprefix('torch.')}", expected="whole numbers")
    if features.dtype == torch.float16:
        features = features.float()  # everything computes in float32 or bfloat16
    return FeatureSet(
        features=features, scale=tensors.get("scale"), labels=labels.to(torch.int64), split=split, **common
    )


def _check_pair(train: FeatureSet, test: FeatureSet) -> None:
    if (train.split, test.split) != ("train", "test"):
        raise T2WError(f"the splits are {train.split!r} and {test.split!r}", expected="'train' and 'test'")
    if train.dim != test.dim:
        found = f"train features have {train.dim} numbers per image and test features {test.dim}"
        raise T2WError(found, expected="the same number")
    for part in ("class_names", "encoder", "preprocessing"):
        if getattr(train, part) != getattr(test, part):
            raise T2WError(f"train and test features differ in {part}", expected=f"one {part} for both")
    ours, theirs = ([] if each.scale is None else each.scale.tolist() for each in (train, test))
    if ours != theirs:
        raise T2WError("train and test features differ in scale", expected="one scale for both")
