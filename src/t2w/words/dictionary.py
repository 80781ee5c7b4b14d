"""The compact dictionary: for every sense of 40,000 nouns its names, what it is a kind of, and its text's embedding.

It ships as numbers, without WordNet's sentences; `python -m t2w.pretraining.dictionary` makes it from WordNet 3.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2w.assets import asset
from t2w.errors import T2WError
from t2w.files import load_tensors
from t2w.words.forms import folded, near_misses, singular_forms

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["FILE", "FORMAT", "VERSION", "Dictionary", "Sense", "load_dictionary"]

FORMAT, VERSION, FILE = "t2w-dictionary", 1, "dictionary.safetensors"
_SEPARATOR = "|"  # between the names of one sense; stands in no name


@dataclass(frozen=True)
class Sense:
    """One meaning of a noun."""

    row: int  # its place in the dictionary
    key: str  # its WordNet 3.0 id, as ImageNet writes it ("n02012849")
    names: tuple[str, ...]  # the nouns that mean it, the most usual first
    kind: str  # what it is a kind of ("wading bird"); "" for the most general

    def __str__(self) -> str:
        return f"{self.names[0]} ({self.kind})" if self.kind else self.names[0]


@dataclass(frozen=True, eq=False)
class Dictionary:
    """Senses by name. `load_dictionary()` gives the one that ships."""

    names: tuple[str, ...]  # (N) the names of each sense, joined
    tensors: Mapping[str, Tensor]  # see `t2w.pretraining.dictionary`
    about: Mapping[str, Any]  # metadata: text encoder, source, irregular plurals, weights of the choice

    def __len__(self) -> int:
        return len(self.names)

    def sense(self, row: int) -> Sense:
        parent = int(self.tensors["parents"][row, 0])
        return Sense(
            row,
            f"n{int(self.tensors['offset'][row]):08d}",
            tuple(self.names[row].split(_SEPARATOR)),
            "" if parent < 0 else self.names[parent].partition(_SEPARATOR)[0],
        )

    def find(self, name: str) -> tuple[Sense, ...]:
        """The senses of a noun in any spelling, the most frequent first; () where it is not known."""
        rows: dict[int, None] = {}
        for form in singular_forms(folded(name), self.about["irregular"]):
            rows.update(dict.fromkeys(self._by_name.get(form, ())))
        return tuple(map(self.sense, rows))

    def near(self, name: str) -> str | None:
        """The noun that a name is a misspelling of, where exactly one is a letter away."""
        found = near_misses(folded(name), self._by_name)
        return found[0] if len(found) == 1 else None

    def by_key(self, keys: Iterable[str]) -> tuple[Sense, ...]:
        """The senses with these WordNet ids. Raises T2WError at an id that the dictionary does not hold."""
        found = []
        for key in keys:
            if (row := self._by_key.get(key)) is None:
                raise T2WError(f"the dictionary has no sense {key!r}", expected="a WordNet 3.0 id of a physical thing")
            found.append(self.sense(row))
        return tuple(found)

    def embeddings(self, rows: Sequence[int]) -> Tensor:
        """(len(rows), d) unit embeddings of the senses' texts: names, kinds and definition."""
        import torch
        import torch.nn.functional as F

        t = self.tensors
        codes = t["code"][torch.as_tensor(list(rows), dtype=torch.int64)].float() * t["step"]
        return F.normalize(codes @ t["basis"].float() + t["mean"].float(), dim=-1)

    def field(self, row: int) -> int:
        """Number of the lexicographer's field: 5 animals, 6 artifacts, 13 food, 20 plants ..."""
        return int(self.tensors["field"][row])

    def ancestors(self, row: int) -> set[int]:
        """The rows of everything it is a kind of, itself included."""
        parents, found, waiting = self._parents, set(), [row]
        while waiting:
            if (one := waiting.pop()) >= 0 and one not in found:
                found.add(one)
                waiting += parents[one]
        return found

    @cached_property
    def _parents(self) -> list[list[int]]:
        rows: list[list[int]] = self.tensors["parents"].tolist()
        return rows

    @cached_property
    def _by_key(self) -> dict[str, int]:
        return {f"n{offset:08d}": row for row, offset in enumerate(self.tensors["offset"].tolist())}

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        ranks = iter(self.tensors["rank"].tolist())
        ranked: dict[str, list[tuple[int, int]]] = {}
        for row, joined in enumerate(self.names):
            for name in joined.casefold().split(_SEPARATOR):
                ranked.setdefault(name, []).append((next(ranks), row))
        return {name: [row for _, row in sorted(senses)] for name, senses in ranked.items()}

    @classmethod
    def load(cls, path: str | Path) -> Dictionary:
        """Read a dictionary's file. Raises T2WError where it is missing, damaged, or of another format."""
        tensors, about = load_tensors(path, what="a dictionary of senses")
        if (about.get("format"), about.get("version")) != (FORMAT, VERSION):
            raise T2WError(
                f"{path} is {about.get('format', 'an unknown kind of file')}, version {about.get('version')}",
                expected=f"{FORMAT}, version {VERSION}",
            )
        names = bytes(tensors.pop("names").numpy()).decode().split("\n")
        return cls(tuple(names), tensors, about)


@cache
def load_dictionary() -> Dictionary:
    """The dictionary that comes with the package. Raises T2WError where its file is missing or altered."""
    return Dictionary.load(asset(FILE))
