"""From the names a user types to evidence: what each is taken to mean, and what it is then known by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from t2w.concepts.concepts import Concepts, Encode, name_texts
from t2w.concepts.evidence import Evidence, Knowledge
from t2w.words import Choice, Dictionary, Known, choose_senses, load_dictionary

__all__ = ["Lexicon"]


@dataclass(frozen=True, eq=False)
class Lexicon:
    """What an encoder knows, and the dictionary.

    Attributes:
        concepts: the encoder's classes.
        encode: the text encoder that made their embeddings and the dictionary's.
        dictionary: the one that ships, unless another is given.
    """

    concepts: Concepts
    encode: Encode
    dictionary: Dictionary = field(default_factory=load_dictionary)

    def understand(self, names: Sequence[str], senses: Mapping[str, str] | None = None) -> tuple[Choice, ...]:
        """What a task's class names mean; see `choose_senses` for `senses` and errors."""
        return choose_senses(names, self.dictionary, self.encode, self._known, given=senses)

    def evidence(
        self, choices: Sequence[Choice], *, texts: Mapping[str, str] | None = None, context: str | None = None
    ) -> Evidence:
        """What classes are known by; see `Knowledge.about`."""
        return self._knowledge.about(choices, self.encode, texts=texts, context=context)

    def nearest(self, name: str, count: int = 3) -> tuple[str, ...]:
        """The names of the concepts whose names' embeddings are nearest, the nearest first."""
        likeness = self.concepts.name_text @ name_texts([name], self.encode)[0]
        return tuple(self.concepts.names[i][0] for i in likeness.topk(min(count, len(likeness))).indices.tolist())

    @cached_property
    def _knowledge(self) -> Knowledge:
        return Knowledge(self.concepts, self.dictionary)

    @cached_property
    def _known(self) -> Known:
        fields = tuple(self.dictionary.field(row) for row in self.concepts.senses.tolist() if row >= 0)
        return Known(self.concepts.text, fields)
