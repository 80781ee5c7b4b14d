"""What each class of a task is known by: its own row, the rows of its kinds, and what the text-to-weights map says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor

from t2w.concepts.concepts import Concepts
from t2w.concepts.text_map import TextMap

if TYPE_CHECKING:
    from t2w.words import Dictionary

__all__ = ["Evidence", "Knowledge"]

_NAME_SHARE = 0.25  # weight of what the bare name says beside what its meaning says, where the meaning is sure
_PART_SHARE = 0.6  # how sure the meaning of a name is of which only a part is a noun ("flamingo head")
_NAME_GAMMA = 3.0  # names of two words or three are nearer to each other than texts of twenty


@dataclass(frozen=True, eq=False)
class Evidence:
    """What n classes are known by."""

    text: Tensor  # (n, t) unit embeddings: the meaning and the name together
    rows: Tensor  # (n, d) the row of a classifier for each, of unit length and perpendicular to the concepts' centres
    variance: Tensor  # (n,) in 0..1, how unsure that row is: 0 for a known class
    sources: tuple[str, ...]  # (n) for a reader: "known", "5 known kinds", "map"

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What an encoder knows, ready to be asked about any class."""

    concepts: Concepts  # its own classes
    dictionary: Dictionary  # tells which concepts are kinds of a class ("bear": brown bear, sloth bear ...)

    @cached_property
    def by_meaning(self) -> TextMap:
        return TextMap(self.concepts.text, self.concepts.rows)

    @cached_property
    def by_name(self) -> TextMap:
        return TextMap(self.concepts.name_text, self.concepts.rows, gamma=_NAME_GAMMA)

    @cached_property
    def _kinds(self) -> Mapping[int, list[int]]:
        """Per dictionary row the positions of the concepts that are it or a kind of it."""
        found: dict[int, list[int]] = {}
        for position, sense in enumerate(self.concepts.senses.tolist()):
            for row in self.dictionary.ancestors(sense):
                found.setdefault(row, []).append(position)
        return found

    def evidence(
        self, meaning: Tensor, named: Tensor, share: Tensor, senses: Sequence[int], parts: Tensor | None = None
    ) -> Evidence:
        """The evidence from embeddings.

        Args:
            meaning: (n, t) of what the names mean.
            named: (n, t) of the bare names.
            share: (n,) in 0..1, how sure the meaning is; where it is 0 the name alone counts.
            senses: (n) dictionary rows, -1 for none.
            parts: (n,) bool, where only a part of the name is meant by the sense; None for nowhere.
        """
        says, spelt = self.by_meaning.predict(meaning), self.by_name.predict(named)
        doubt = (1 - share)[:, None] + _NAME_SHARE
        rows = F.normalize(share[:, None] * says.rows + doubt * spelt.rows, dim=1)
        variance = share * says.variance + (1 - share) * spelt.variance
        sources = ["map"] * len(rows)
        for i, sense in enumerate(senses):
            kinds = self._kinds.get(sense, [])
            if sense in self._own:
                rows[i], variance[i], sources[i] = self.concepts.rows[self._own[sense]], 0.0, "known"
            elif kinds:
                count = len(kinds)
                mean = F.normalize(self.concepts.rows[kinds].mean(0), dim=0)
                rows[i] = F.normalize(count * mean + rows[i], dim=0)
                variance[i] = variance[i] / (count + 1)
                sources[i] = f"{count} known kind{'s' if count > 1 else ''}"
        for i in [] if parts is None else parts.nonzero()[:, 0].tolist():
            rows[i] = F.normalize(_PART_SHARE * rows[i] + (1 - _PART_SHARE) * spelt.rows[i], dim=0)
            variance[i] = _PART_SHARE * variance[i] + (1 - _PART_SHARE) * spelt.variance[i]
            sources[i] = f"a part, {sources[i]}"
        text = F.normalize(meaning + named, dim=1)
        return Evidence(text, rows, variance, tuple(sources))

    @cached_property
    def _own(self) -> Mapping[int, int]:
        return {sense: position for position, sense in enumerate(self.concepts.senses.tolist()) if sense >= 0}
