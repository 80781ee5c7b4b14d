"""A classifier as arrays and a script of NumPy alone, for whoever has the features already."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from t2w.errors import T2WError
from t2w.export import numpy_script
from t2w.export.agreement import check_agreement
from t2w.export.decision import arrays_of
from t2w.export.metadata import about
from t2w.files import atomic_path, write_text

if TYPE_CHECKING:
    from t2w.classifier import Classifier

__all__ = ["export_numpy"]

_TRIED = 64  # made-up features that both sides are compared on


def export_numpy(classifier: Classifier, path: str | Path) -> tuple[Path, Path]:
    """Write the arrays (nothing is pickled) and the script that reads them, beside each other under one name.

    Args:
        path: of the arrays, FILE.npz; the script becomes FILE.py.

    Returns:
        Both paths.

    Raises:
        T2WError: another ending, another script there, or arrays that do not give what the classifier gives.
    """
    path = Path(path)
    script, text = path.with_suffix(".py"), Path(numpy_script.__file__).read_text(encoding="utf-8")
    if path.suffix != ".npz":
        raise T2WError(f"the file is to be {path.name}", expected="a name that ends in .npz")
    if script.exists() and not script.read_text(encoding="utf-8", errors="replace").startswith(text[:60]):
        raise T2WError(f"{script} is there already and is no script of ours", fix="choose another name")
    arrays = arrays_of(classifier)
    features = torch.randn(_TRIED, classifier.spec.in_features, generator=torch.Generator().manual_seed(0))
    expected = classifier.classify_features(features, none=True)
    found = numpy_script.classify(features.numpy(), arrays)
    check_agreement("the arrays", expected, found["probabilities"], found.get("none"))
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, about=np.array(json.dumps(about(classifier), ensure_ascii=False)), **arrays)  # type: ignore[arg-type]
    write_text(script, text)
    return path, script
