"""The .t2w file: one safetensors file with a classifier's weights and, in its metadata, all it takes to use them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2w.adapters.spec import AdapterSpec
from t2w.concepts.surety import NoneRule
from t2w.errors import T2WError
from t2w.files import load_tensors, read_metadata, save_tensors

if TYPE_CHECKING:
    from torch import Tensor

    from t2w.classifier import Classifier

__all__ = ["description_of", "read_classifier", "write_classifier"]

_FORMAT, _VERSION = "t2w-classifier", 3
_READABLE = (1, 2, 3)  # 1: one weight vector (P,); 2: without a checksum
_WHAT = "a .t2w classifier"


def description_of(classifier: Classifier) -> dict[str, Any]:
    """A classifier without its tensors: the metadata of its file."""
    rule = {} if classifier.none_rule is None else {"none_below": classifier.none_rule.threshold}
    return {
        "format": _FORMAT,
        "version": _VERSION,
        "spec": classifier.spec.to_dict(),
        "classes": list(classifier.classes),
        "texts": list(classifier.texts),
        "vision": dict(classifier.vision),
        "provenance": dict(classifier.provenance),
        **rule,
    }


def write_classifier(path: str | Path, classifier: Classifier) -> None:
    """Write one self-describing file.

    Raises:
        T2WError: what is there is no classifier, or it cannot be written.
    """
    if Path(path).is_file() and not _is_classifier(path):
        raise T2WError(
            f"{path} is there already and is no .t2w classifier", expected="a new name, or a classifier to replace"
        )
    tensors = {"weights": classifier.weights, "text": classifier.text}
    if classifier.none_rule is not None:
        tensors["centres"] = classifier.none_rule.centres
    save_tensors(path, tensors, description_of(classifier))


def read_classifier(path: str | Path) -> dict[str, Any]:
    """The fields of the classifier that `write_classifier` wrote; nothing in the file is executed.

    Raises:
        T2WError: missing, truncated, not a classifier, or of another format.
    """
    meta = read_metadata(path, what=_WHAT)
    if meta.get("format") != _FORMAT or meta.get("version") not in _READABLE:
        raise T2WError(
            f"{path} is {meta.get('format', 'an unknown kind of file')}, version {meta.get('version')}",
            expected=f"{_FORMAT}, version {' or '.join(map(str, _READABLE))}",
        )
    tensors, meta = load_tensors(path, what=_WHAT, checked=meta["version"] not in _READABLE[:2])
    try:
        return _fields(tensors, meta)
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # whoever wrote it was not `write_classifier`
        raise T2WError(
            f"{path} is no complete classifier ({type(error).__name__}: {error})",
            expected=_WHAT,
            fix="generate it again",
        ) from error


def _fields(tensors: dict[str, Tensor], meta: Mapping[str, Any]) -> dict[str, Any]:
    spec, provenance = AdapterSpec.from_dict(meta["spec"]), {**meta["provenance"]}
    classes, texts = (tuple(map(str, meta[name])) for name in ("classes", "texts"))
    if len(texts) != len(classes) or len(provenance.get("known_by") or classes) != len(classes):
        raise ValueError(f"{len(classes)} classes, and other numbers of texts or of what they are known by")
    if tensors["weights"].ndim == 1:
        tensors["weights"] = tensors["weights"][None]
    expected = {"weights": (len(tensors["weights"]) or 1, spec.size), "text": (len(classes), spec.out_features)}
    if "none_below" in meta:
        expected["centres"] = (len(tensors["centres"]), spec.in_features)
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if found != expected:
        raise ValueError(f"tensors {found}, expected {expected}")
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise ValueError("NaN or infinity among its numbers")
    return {
        "spec": spec,
        "weights": tensors["weights"],
        "text": tensors["text"],
        "classes": classes,
        "texts": texts,
        "vision": {**meta["vision"]},
        "provenance": provenance,
        "none_rule": NoneRule(meta["none_below"], tensors["centres"]) if "none_below" in meta else None,
    }


def _is_classifier(path: str | Path) -> bool:
    try:
        return read_metadata(path).get("format") == _FORMAT
    except T2WError:
        return False
