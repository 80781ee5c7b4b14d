"""Words become weights: from class names to a working image classifier, no labelled image, no training."""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from t2w.errors import T2WError, T2WWarning

if TYPE_CHECKING:
    from t2w.pipeline import Classifier, Prediction, TextToWeights

__all__ = ["Classifier", "Prediction", "T2WError", "T2WWarning", "TextToWeights", "__version__"]

__version__ = "0.1.0"

# OpenMP's threads spin while they wait, which on a busy machine keeps the others from working: up to fifty times
# slower. It is read when torch is loaded, which is later, and a value that is set already stays.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def __getattr__(name: str) -> Any:
    # Torch takes seconds to import: `import t2w` and `t2w --help` do not wait for it.
    if name in ("Classifier", "Prediction", "TextToWeights"):
        return getattr(import_module("t2w.pipeline"), name)
    raise AttributeError(f"module 't2w' has no attribute {name!r}")
