"""Which sense of a name is meant: by the other classes of the task, by what the encoder knows, then by frequency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor

from t2w.errors import T2WError, nearest
from t2w.words.forms import folded, sub_phrases

if TYPE_CHECKING:
    from t2w.words.dictionary import Dictionary, Sense

__all__ = ["WEIGHTS", "Choice", "Encode", "Known", "choose_senses", "signs_of"]

Encode: TypeAlias = "Callable[[Sequence[str]], Tensor]"  # texts to unit embeddings (n, t)

_ROUNDS = 2  # the other classes' senses are themselves chosen
_MOST = 12  # senses of a name that are looked at
_NEAR = 5  # known concepts whose likeness to a sense counts
_OTHERS = 3  # other classes of the task, likewise
_VIEWS = frozenset(
    ["side", "front", "back", "top", "bottom", "head", "face", "body", "part", "piece", "half", "view", "inside"]
)
"""Of two nouns in a name, not what it is a picture of: "car side", "crocodile head"."""
_LAST = 0.1  # cosines that the last of several words has ahead of the others


@dataclass(frozen=True)
class Choice:
    """How a class name is understood."""

    name: str  # as it was given
    # what was found in the dictionary: the name's own noun, a part of it ("car" of "car side"), or what it is a
    # misspelling of; None where there is nothing, and the name goes by its spelling
    noun: str | None
    sense: Sense | None  # what it means; None where `noun` is
    others: tuple[Sense, ...] = ()  # further senses of the noun, the more likely first
    share: float = 1.0  # in 0..1, how sure the choice is
    part: bool = False  # whether the noun is only a part of the name

    def __str__(self) -> str:
        """For a reader: "crane: wading bird; also: lifting device"."""
        if self.sense is None:
            return f"{self.name}: not in the dictionary, taken as it is spelt"
        taken = "" if folded(self.name) == folded(str(self.noun)) else f' as "{self.noun}"'
        kinds = dict.fromkeys(other.kind for other in self.others if other.kind != self.sense.kind)  # each once
        also = f"; also: {', '.join(list(kinds)[:4])}" if kinds else ""
        return f"{self.name}{taken}: {self.sense.kind}{also}"


@dataclass(frozen=True, eq=False)
class Known:
    """What an encoder knows, as far as the choice of senses looks at it."""

    text: Tensor  # (N, t) unit embeddings of the concepts' texts
    fields: tuple[int, ...]  # (N) the dictionary's field of each


WEIGHTS = (1.0, 6.0, 3.0, 0.7, 0.2)
"""Of the signs, see `signs_of`."""


def signs_of(senses: Sequence[Sense], name: Tensor, others: Tensor, known: Known, dictionary: Dictionary) -> Tensor:
    """(n, 5) what speaks for each sense of a noun.

    In this order: cosine with the bare name's embedding; mean cosine with the nearest known concepts; mean cosine with
    the nearest other classes of the task; log share of its field among the known concepts; minus its rank in frequency.

    Args:
        name: (t,) embedding of the name.
        others: (m, t) embeddings of the other classes; m may be 0.
    """
    own = dictionary.embeddings([sense.row for sense in senses])
    counts = Counter(known.fields)
    field = [counts[dictionary.field(sense.row)] + 0.5 for sense in senses]
    return torch.stack(
        [
            own @ name,
            _top_mean(own @ known.text.T, _NEAR),
            _top_mean(own @ others.T, _OTHERS),
            torch.tensor(field).div(len(known.fields) + 1).log(),
            -torch.arange(len(senses), dtype=torch.float32),
        ],
        dim=1,
    )


def choose_senses(
    names: Sequence[str],
    dictionary: Dictionary,
    encode: Encode,
    known: Known,
    *,
    given: Mapping[str, str] | None = None,
) -> tuple[Choice, ...]:
    """The senses of a task's class names.

    Args:
        encode: texts to unit embeddings (n, t), of the dictionary's text encoder.
        given: for some names the sense that is meant: a kind ("wading bird"), one of its names, or a WordNet id.

    Raises:
        T2WError: a sense is given for a name that is not there, or one that the name does not have.
    """
    own = {folded(name): sense for name, sense in (given or {}).items()}
    for name in given or {}:
        if folded(name) not in map(folded, names):
            raise T2WError(f"a sense is given for {name!r:.60}, which is not one of the classes{nearest(name, names)}")
    embedded = encode(list(names))
    nouns = [_noun(name, dictionary, encode, embedded[i], known) for i, name in enumerate(names)]
    chosen: list[Choice] = []
    for name, (noun, senses, part) in zip(names, nouns, strict=True):
        if folded(name) in own:
            senses = _meant(name, own[folded(name)], senses)
        chosen.append(Choice(name, noun, senses[0] if senses else None, senses[1:], part=part))
    for _ in range(_ROUNDS):
        rows = [choice.sense.row if choice.sense else -1 for choice in chosen]
        for i, (name, (noun, senses, part)) in enumerate(zip(names, nouns, strict=True)):
            if len(senses) < 2 or folded(name) in own:
                continue
            others = dictionary.embeddings([row for j, row in enumerate(rows) if row >= 0 and j != i])
            signs = signs_of(senses, embedded[i], others, known, dictionary)
            share = (signs @ torch.tensor(WEIGHTS)).softmax(0)
            order = share.argsort(descending=True).tolist()
            ranked = tuple(senses[j] for j in order)
            chosen[i] = Choice(name, noun, ranked[0], ranked[1:], float(share[order[0]]), part)
    return tuple(chosen)


def _noun(
    name: str, dictionary: Dictionary, encode: Encode, embedded: Tensor, known: Known
) -> tuple[str | None, tuple[Sense, ...], bool]:
    """The noun of a name, its senses, and whether it is only a part of the name.

    The whole name, else a near miss, else the part that says most of it: by its own likeness to the name, by how near
    one of its senses is to what the encoder knows, and the last of several words, which in English is what a thing is.
    """
    whole = folded(name)
    if senses := dictionary.find(whole):
        return name, senses[:_MOST], False
    if (meant := dictionary.near(whole)) is not None:
        return meant, dictionary.find(meant)[:_MOST], False
    for phrases in sub_phrases(whole):
        found = {phrase: senses for phrase in phrases if len(phrase) > 2 and (senses := dictionary.find(phrase))}
        found = {phrase: senses for phrase, senses in found.items() if phrase not in _VIEWS} or found
        if found:
            likeness = encode(list(found)) @ embedded
            for i, (phrase, senses) in enumerate(found.items()):
                own = dictionary.embeddings([sense.row for sense in senses[:_MOST]])
                likeness[i] += _top_mean(own @ known.text.T, _NEAR).max() + _LAST * whole.endswith(phrase)
            best = list(found)[int(likeness.argmax())]
            return best, found[best][:_MOST], True
    return None, (), False


def _meant(name: str, given: str, senses: tuple[Sense, ...]) -> tuple[Sense, ...]:
    """The senses with the given one first."""
    wanted = folded(given)
    for sense in senses:
        if wanted in (sense.key, folded(sense.kind), *map(folded, sense.names)) and (
            wanted != folded(name) or len(senses) == 1
        ):
            return (sense, *(other for other in senses if other is not sense))
    there = ", ".join(f"{sense.kind} ({sense.key})" for sense in senses)
    raise T2WError(
        f"{name!r:.60} has no sense {given!r:.60}",
        expected=f"one of: {there}" if senses else "a noun of the dictionary",
        fix=f'describe it instead: --text "{name}=..."' if not senses else None,
    )


def _top_mean(likeness: Tensor, count: int) -> Tensor:
    """(n,) mean of the `count` highest of each row; 0 where rows are empty."""
    if likeness.shape[1] == 0:
        return likeness.new_zeros(len(likeness))
    return likeness.topk(min(count, likeness.shape[1]), dim=1).values.mean(1)
