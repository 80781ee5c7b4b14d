"""The classes of several classifiers, each once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from t2w.adapters.fusion import text_of
from t2w.errors import T2WError
from t2w.tasks.class_names import MAX_CLASSES, folded_name

if TYPE_CHECKING:
    from torch import Tensor

    from t2w.classifier import Classifier

__all__ = ["Union"]

_ALIKE = 1e-3  # distance between two unit embeddings of one text: rounding


class Union:
    """The classes in the order in which they come.

    Attributes:
        classes: their names, as the first classifier that has them spells them.
        texts: the texts that were encoded.
        text: (t,) the unit embedding of each.
        known_by: see `t2w.concepts.Evidence.sources`; None where a classifier does not say.

    Raises:
        T2WError: a name that means two things, or more classes than a classifier may have.
    """

    def __init__(self, classifiers: Sequence[Classifier], called: Sequence[str]) -> None:
        self.classes: list[str] = []
        self.texts: list[str] = []
        self.text: list[Tensor] = []
        self.known_by: list[str | None] = []
        self._place: dict[str, int] = {}
        owners: list[str] = []
        for one, who in zip(classifiers, called, strict=True):
            known_by = one.provenance.get("known_by") or [None] * len(one.classes)
            for name, told, text, known in zip(one.classes, one.texts, text_of(one.text), known_by, strict=True):
                place = self._place.setdefault(folded_name(name), len(self.classes))
                if place == len(self.classes):
                    self.classes.append(name)
                    self.texts.append(told)
                    self.text.append(text)
                    self.known_by.append(known)
                    owners.append(who)
                elif float((self.text[place] - text).norm()) > _ALIKE:
                    raise T2WError(
                        f"class {name!r:.60} means two things: {self.texts[place]!r:.80} in {owners[place]}, "
                        f"{told!r:.80} in {who}",
                        expected="one meaning",
                        fix="generate one of the two again, with --sense or under another name",
                    )
        if len(self.classes) > MAX_CLASSES:
            raise T2WError(f"{len(self.classes):,} classes together", expected=f"at most {MAX_CLASSES:,}")

    def places(self, one: Classifier) -> list[int]:
        """The position of each class of a classifier."""
        return [self._place[folded_name(name)] for name in one.classes]
