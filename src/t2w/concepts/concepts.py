"""What an image encoder knows by name: the classes of its own last layer, with their texts and rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.concepts.photographs import Appearance
from t2w.concepts.surety import head_rows, without_centres
from t2w.errors import T2WError
from t2w.words import Known, folded, load_dictionary
from t2w.words.choice import WEIGHTS, Encode, signs_of

if TYPE_CHECKING:
    from t2w.encoders.head import ClassifierHead
    from t2w.words import Dictionary, Sense

__all__ = ["Concepts", "concepts_of", "label_names", "name_texts"]

_NAME_PROMPT = "a photo of a {}"
_WORDNET_ID = re.compile(r"n\d{8}")
_LOOKS = "appearance."
_TENSORS = ("text", "name_text", "rows", "senses", "centres")


@dataclass(frozen=True, eq=False)
class Concepts:
    """N classes known by name."""

    names: tuple[tuple[str, ...], ...]  # the synonyms of each, the most usual first
    text: Tensor  # (N, t) unit embeddings of what the names mean: the dictionary's text, or the names where it has none
    name_text: Tensor  # (N, t) unit embeddings of "a photo of a <first name>"
    rows: Tensor  # (N, d) rows of the last layer less their mean, made perpendicular to `centres` and of unit length
    senses: Tensor  # (N,) int64 rows of the dictionary; -1 where a concept is not in it
    # (m, d) orthonormal: the directions of mean features, in which photographs differ that show the same
    centres: Tensor
    appearance: Appearance | None = None  # how photographs of one class differ; None where none were seen

    def __len__(self) -> int:
        return len(self.names)

    def without(self, names: Iterable[str]) -> list[int]:
        """The positions of concepts that have none of the names among their synonyms, in any spelling."""
        withheld = {folded(name) for name in names}
        return [i for i, own in enumerate(self.names) if withheld.isdisjoint(map(folded, own))]

    def at(self, positions: Sequence[int]) -> Concepts:
        """The concepts at these positions."""
        index = torch.as_tensor(list(positions), dtype=torch.int64)
        return replace(
            self, names=tuple(self.names[i] for i in positions), text=self.text[index],
            name_text=self.name_text[index], rows=self.rows[index], senses=self.senses[index],
        )  # fmt: skip

    def tensors(self) -> dict[str, Tensor]:
        """What a file keeps beside the names; `from_tensors` is the inverse."""
        looks = {} if self.appearance is None else self.appearance.tensors()
        return {name: getattr(self, name) for name in _TENSORS} | {f"{_LOOKS}{name}": x for name, x in looks.items()}

    @classmethod
    def from_tensors(cls, names: Iterable[Sequence[str]], tensors: Mapping[str, Tensor]) -> Concepts:
        """Concepts as a file keeps them, in half precision or not. Raises T2WError where parts do not fit."""
        own = tuple(map(tuple, names))
        looks = {name.removeprefix(_LOOKS): value for name, value in tensors.items() if name.startswith(_LOOKS)}
        tensors = {name: value for name, value in tensors.items() if not name.startswith(_LOOKS)}
        if set(tensors) != set(_TENSORS) or any(len(tensors[name]) != len(own) for name in _TENSORS[:-1]):
            found = {name: tuple(value.shape) for name, value in tensors.items()}
            raise T2WError(f"{len(own)} concepts with {found}", expected=f"{', '.join(_TENSORS)}, as many as names")
        units = {name: F.normalize(tensors[name].float(), dim=1) for name in ("text", "name_text", "rows", "centres")}
        appearance = Appearance.from_tensors(looks) if looks else None
        return cls(own, senses=tensors["senses"], appearance=appearance, **units)

    def centred(self, features: Tensor) -> Tensor:
        """Features (..., d) less what they have along the centres."""
        return without_centres(features, self.centres)


def concepts_of(
    head: ClassifierHead, dictionary: Dictionary, encode: Encode, *, means: Sequence[Tensor] = ()
) -> Concepts:
    """The concepts of a classifier's last layer. Raises T2WError where fewer than two of its rows have a name.

    Args:
        dictionary: where the meaning of a name is looked up.
        encode: the text encoder that made the dictionary's embeddings.
        means: mean features (d,) of other images than those the classifier was trained on, whose directions are to
            make no difference either.
    """
    head = head.named()
    names, meant = _meanings(head.labels, dictionary)
    if len(names) < 2:
        raise T2WError(f"a last layer with {len(names)} class names", expected="at least 2")
    senses = _chosen(meant, names, dictionary, encode)
    found = [row for row in senses if row >= 0]
    by_meaning = iter(dictionary.embeddings(found)) if found else iter(())
    spelt = iter(encode([", ".join(own) for own, row in zip(names, senses, strict=True) if row < 0] or [""]))
    centres = _orthonormal([*([] if head.mean is None else [head.mean]), *means], head.weight.shape[1])
    return Concepts(
        names=names,
        text=torch.stack([next(by_meaning if row >= 0 else spelt) for row in senses]),
        name_text=name_texts([own[0] for own in names], encode),
        rows=head_rows(head, centres),
        senses=torch.tensor(senses, dtype=torch.int64),
        centres=centres,
    )


def label_names(labels: Sequence[str]) -> tuple[str, ...]:
    """The first name of each label of a classifier's last layer: of a WordNet id from the dictionary."""
    if not all(map(_WORDNET_ID.fullmatch, labels)):
        return tuple(label.split(",")[0].strip() for label in labels)
    return tuple(sense.names[0] for sense in load_dictionary().by_key(labels))


def name_texts(names: Sequence[str], encode: Encode) -> Tensor:
    """(n, t) the embeddings of names as they stand, without their meaning."""
    return encode([_NAME_PROMPT.format(name.replace("_", " ")) for name in names])


def _meanings(
    labels: Sequence[str], dictionary: Dictionary
) -> tuple[tuple[tuple[str, ...], ...], list[tuple[Sense, ...]]]:
    """The synonyms of each label, and the senses that all of them have: none, one or several."""
    names: list[tuple[str, ...]] = []
    meant: list[tuple[Sense, ...]] = []
    for label in labels:
        if _WORDNET_ID.fullmatch(label):
            meant.append(dictionary.by_key([label]))
            names.append(meant[-1][0].names)
            continue
        names.append(tuple(name.strip() for name in label.split(",") if name.strip()) or (label,))
        first, *others = (dictionary.find(name) for name in names[-1])
        rows = [{sense.row for sense in senses} for senses in others]
        meant.append(tuple(sense for sense in first if all(sense.row in own for own in rows)))
    return tuple(names), meant


def _chosen(
    meant: Sequence[tuple[Sense, ...]], names: Sequence[Sequence[str]], dictionary: Dictionary, encode: Encode
) -> list[int]:
    """The row in the dictionary of each; -1 for none. Of several the one that fits the labels that have one."""
    sure = [senses[0].row for senses in meant if len(senses) == 1]
    known = Known(dictionary.embeddings(sure), tuple(map(dictionary.field, sure)))
    spelt = iter(encode([own[0] for own, senses in zip(names, meant, strict=True) if len(senses) > 1] or [""]))
    rows = []
    for senses in meant:
        if len(senses) > 1:
            signs = signs_of(senses, next(spelt), known.text[:0], known, dictionary)
            senses = (senses[int((signs @ torch.tensor(WEIGHTS)).argmax())],)
        rows.append(senses[0].row if senses else -1)
    return rows


def _orthonormal(vectors: Sequence[Tensor], dim: int) -> Tensor:
    if not vectors:
        return torch.empty(0, dim)
    q, _ = torch.linalg.qr(torch.stack([F.normalize(vector.float(), dim=0) for vector in vectors]).T)
    return q.T.contiguous()
