"""From the names a user types to evidence: what each is taken to mean, and what it is then known by."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.concepts.concepts import Concepts, name_texts
from t2w.concepts.evidence import Evidence, Knowledge
from t2w.words import Choice, Dictionary, Known, choose_senses, load_dictionary
from t2w.words.choice import Encode

__all__ = ["Lexicon"]

_TAU = 25.0
_SURE = 0.95  # share of a sense from which on pictures are not asked
_MOST = 5  # senses that are tried
_CHANGE = 0.5  # nats per expected picture of a class


@dataclass(frozen=True, eq=False)
class Lexicon:
    """What an encoder knows, and the dictionary."""

    concepts: Concepts  # the encoder's classes
    encode: Encode  # the text encoder that made their embeddings and the dictionary's
    dictionary: Dictionary = field(default_factory=load_dictionary)  # the one that ships, unless another is given

    def understand(self, names: Sequence[str], senses: Mapping[str, str] | None = None) -> tuple[Choice, ...]:
        """What a task's class names mean; see `choose_senses` for `senses` and errors."""
        return choose_senses(names, self.dictionary, self.encode, self._known, given=senses)

    def evidence(
        self, choices: Sequence[Choice], *, texts: Mapping[str, str] | None = None, context: str | None = None
    ) -> Evidence:
        """What classes are known by.

        Args:
            choices: how their names are understood.
            texts: the user's own descriptions by name; they take the place of the dictionary's, and of known rows.
            context: said after every name and description: "seen from the air". None: nothing.
        """
        own, after = texts or {}, "" if context is None else f", {context}"
        named = name_texts([f"{choice.name}{after}" for choice in choices], self.encode)
        senses = [choice.sense if choice.name not in own else None for choice in choices]
        rows = [sense.row for sense in senses if sense is not None]
        by_sense = iter(self.dictionary.embeddings(rows)) if rows else iter(())
        described = [f"{choice.name}: {own[choice.name]}{after}" for choice in choices if choice.name in own]
        by_text = iter(self.encode(described)) if described else iter(())
        meaning, share = [], []
        for choice, sense, name in zip(choices, senses, named, strict=True):
            meaning.append(next(by_text) if choice.name in own else name if sense is None else next(by_sense))
            share.append(1.0 if choice.name in own else 0.0 if sense is None else choice.share)
        return self._knowledge.evidence(
            torch.stack(meaning), named, torch.tensor(share), [-1 if sense is None else sense.row for sense in senses],
            torch.tensor([choice.part and choice.name not in own for choice in choices]),
        )  # fmt: skip

    def seen_in(self, choices: Sequence[Choice], features: Tensor, *, given: Container[str] = ()) -> tuple[Choice, ...]:
        """The choices again, after unlabelled pictures with features (N, d), for names whose meaning is not `given`.

        A sense that the pictures show far better than the chosen one wins: by their likelihood, p(x) ~ sum_k exp(25
        cos(x, row_k)), it is better by half a nat for each picture that a class has on average.
        """
        x = self.concepts.centred(features.float())
        z = F.normalize(x - x.mean(0), dim=1)
        scores = _TAU * z @ self.evidence(choices).rows.T
        found = list(choices)
        for i, choice in enumerate(choices):
            if not choice.others or choice.share > _SURE or choice.name in given:
                continue
            senses = [choice.sense, *choice.others][:_MOST]
            several = [replace(choice, sense=sense, others=()) for sense in senses]
            own = _TAU * z @ self.evidence(several).rows.T  # (N, senses)
            rest = torch.cat([scores[:, :i], scores[:, i + 1 :]], dim=1).logsumexp(1)
            likelihood = torch.logaddexp(rest[:, None], own).sum(0)
            best = int(likelihood.argmax())
            if float(likelihood[best] - likelihood[0]) > _CHANGE * len(z) / len(choices):
                others = tuple(sense for sense in (choice.sense, *choice.others) if sense not in (None, senses[best]))
                found[i] = replace(choice, sense=senses[best], others=others)
        return tuple(found)

    def nearest(self, name: str, count: int = 3) -> tuple[str, ...]:
        """The names of the concepts whose names' embeddings are nearest, the nearest first; each once."""
        likeness = self.concepts.name_text @ name_texts([name], self.encode)[0]
        order = likeness.topk(min(2 * count, len(likeness))).indices.tolist()
        return tuple(dict.fromkeys(self.concepts.names[i][0] for i in order))[:count]

    @cached_property
    def _knowledge(self) -> Knowledge:
        return Knowledge(self.concepts, self.dictionary)

    @cached_property
    def _known(self) -> Known:
        fields = tuple(self.dictionary.field(row) for row in self.concepts.senses.tolist() if row >= 0)
        return Known(self.concepts.text, fields)
