"""A classifier as arrays and a script of NumPy alone, for whoever has the features already."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from t2w.adapters.spec import unflatten
from t2w.concepts.surety import TAU
from t2w.decision import Decision
from t2w.errors import T2WError
from t2w.export import numpy_script
from t2w.export.agreement import check_agreement
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


def arrays_of(classifier: Classifier) -> dict[str, np.ndarray]:
    """Everything that `Decision` computes with, under the names that the script reads."""
    decision, spec = Decision(classifier), classifier.spec
    pieces = unflatten(spec, classifier.weights.float())
    arrays = {
        "classes": np.array(classifier.classes),
        "weight1": pieces["linear1.weight"].numpy(),  # (S, hidden, d) for S samples that vote
        "bias1": pieces["linear1.bias"].numpy(),
        "weight2": pieces["linear2.weight"].numpy(),
        "bias2": pieces["linear2.bias"].numpy(),
        "text": (spec.logit_scale * F.normalize(decision.text, dim=-1)).numpy(),
    }
    if decision.rule is not None:
        arrays |= {name: getattr(decision, name).numpy() for name in ("rows", "others", "known")}
        arrays |= {
            "centres": decision.rule.centres.numpy(),
            "tau": np.float64(TAU),
            "known_names": np.array(decision.known_names),
            "none_below": np.float64(decision.rule.threshold),
        }
    return arrays
