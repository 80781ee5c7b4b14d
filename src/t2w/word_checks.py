"""What is said, and what is refused, of the words a user gives."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from t2w.errors import T2WError, T2WWarning
from t2w.tasks.class_names import folded_name

if TYPE_CHECKING:
    from torch import Tensor

    from t2w.concepts import Lexicon
    from t2w.words import Choice

__all__ = ["check_distinct", "listed", "warn", "warn_of_words"]

_SAME = 1e-6  # of cosines of texts: rounding
_LATIN = re.compile("[a-z]")
_LONG_TEXT = 1200  # characters: about as many as MiniLM reads


def warn_of_words(choices: Sequence[Choice], own: Mapping[str, str], lexicon: Lexicon) -> None:
    """Warn of long descriptions, names in no dictionary, and names that mean the same."""
    meant: dict[int, str] = {}
    for choice in choices:
        if choice.name in own:
            if len(own[choice.name]) > _LONG_TEXT:
                warn(f"the description of {choice.name!r:.40} is long: only its first 250 words or so are read")
        elif choice.sense is None:
            fix = f'describe it in English: "{choice.name[:20]}=..."'
            if not _LATIN.search(folded_name(choice.name)):
                warn(f"{choice.name!r:.40} is not in the alphabet of the text encoder and says nothing to it; {fix}")
            else:
                near = ", ".join(lexicon.nearest(choice.name))
                spelt = f"{choice.name!r:.40} is not in the dictionary and goes by its spelling"
                warn(f"{spelt} (nearest known: {near}); {fix}")
        elif (other := meant.setdefault(choice.sense.row, choice.name)) != choice.name:
            warn(f"{other!r} and {choice.name!r} mean the same ({choice.sense}); only their spelling tells them apart")


def check_distinct(names: Sequence[str], codes: Tensor, own: Mapping[str, str]) -> None:
    """Raises T2WError where two classes have the same text: nothing could tell them apart."""
    import torch

    likeness = codes @ codes.T - torch.eye(len(codes))
    same = (likeness > 1 - _SAME).nonzero().tolist()
    pairs = [(names[i], names[j]) for i, j in same]
    texts: dict[str, str] = {}
    for name, text in own.items():
        if (other := texts.setdefault(folded_name(text), name)) != name:
            pairs.append((other, name))
    if pairs:
        first, second = pairs[0]
        raise T2WError(
            f"the classes {first!r:.60} and {second!r:.60} have the same text for the text encoder",
            expected="texts that tell classes apart",
            fix=f'describe them: "{first[:20]}=...", "{second[:20]}=..."',
        )


def warn(message: str) -> None:
    """Warn at the place outside this package that called it."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("t2w."):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, T2WWarning, stacklevel=level)


def listed(names: Sequence[str]) -> str:
    """The first five names, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
