"""What an exported file says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from t2w import __version__

if TYPE_CHECKING:
    from t2w.classifier import Classifier

__all__ = ["FORMAT_VERSION", "about"]

FORMAT_VERSION = 1
_LICENCES = {"efficientnet-lite0": "Apache-2.0", "pixels": "none: it has no weights"}


def about(classifier: Classifier) -> dict[str, Any]:
    """Plain values for JSON; what is true of every form of a classifier."""
    vision = classifier.vision
    return {
        "format_version": FORMAT_VERSION,
        "made_by": f"t2w {__version__}",
        "classes": list(classifier.classes),
        "texts": list(classifier.texts),
        "none_below": None if classifier.none_rule is None else classifier.none_rule.threshold,
        "encoder": {key: vision[key] for key in ("kind", "identity", "name", "revision") if vision.get(key)},
        "licence": {
            "adapter": "MIT",
            "encoder": _LICENCES.get(str(vision.get("kind")), "that of the encoder's weights, see where they are from"),
        },
        "provenance": dict(classifier.provenance),
    }
