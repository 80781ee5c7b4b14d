"""WordNet's database files (format WNDB, https://wordnet.princeton.edu/documentation/wndb5wn), read for its nouns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from t2w.errors import T2WError

__all__ = ["Synset", "WordNet"]

PHYSICAL = "00001930"  # the synset "physical entity" of WordNet 3.0
_KINDS_NAMED = 2  # of the chain of hypernyms, in the texts of a sense


@dataclass(frozen=True)
class Synset:
    """A set of nouns that mean one thing."""

    offset: str  # place in data.noun, eight digits; ImageNet's id is "n" and these digits
    names: tuple[str, ...]  # the nouns, the most usual first
    definition: str  # without examples
    hypernyms: tuple[str, ...]  # offsets of what it is a kind of (a dog: a canine)
    instance: bool  # it is one thing, not a kind of things (Eiffel Tower)
    field: int  # number of the lexicographer's file: 5 animals, 6 artifacts, 13 food, 20 plants ...


@dataclass(frozen=True)
class WordNet:
    """The nouns of a folder with data.noun, index.noun and noun.exc.

    Raises:
        T2WError: files that are missing or of another release: ids of ImageNet's classes are offsets of release 3.0.
    """

    folder: Path

    @cached_property
    def synsets(self) -> Mapping[str, Synset]:
        found = {synset.offset: synset for synset in map(_synset, self._lines("data.noun"))}
        if "physical entity" not in getattr(found.get(PHYSICAL), "names", ()):
            raise T2WError(
                f"{self.folder} is another release of WordNet",
                expected="release 3.0, whose offsets are ImageNet's class ids",
                fix="take the files of Debian's package wordnet-base",
            )
        return found

    @cached_property
    def order(self) -> Mapping[str, tuple[str, ...]]:
        """Per noun, in small letters, the offsets of its senses, the most frequent first."""
        split = (line.split() for line in self._lines("index.noun"))
        return {fields[0].replace("_", " "): tuple(fields[-int(fields[2]) :]) for fields in split}

    @cached_property
    def irregular(self) -> Mapping[str, str]:
        """Irregular plurals and their singulars, of one word each."""
        pairs = (line.split()[:2] for line in self._lines("noun.exc"))
        return {plural: singular for plural, singular in pairs if "_" not in plural + singular}

    def ancestors(self, offset: str) -> set[str]:
        """Everything it is a kind of, itself included."""
        found: set[str] = set()
        waiting = [offset]
        while waiting:
            if (one := waiting.pop()) not in found:
                found.add(one)
                waiting += self.synsets[one].hypernyms
        return found

    def texts(self, synset: Synset) -> tuple[str, str, str]:
        """What is encoded of a sense: the mean of their embeddings says more than any of them."""
        chain = [synset]  # and what it is a kind of, the nearest first
        while chain[-1].hypernyms and len(chain) <= _KINDS_NAMED:
            chain.append(self.synsets[chain[-1].hypernyms[0]])
        above = chain[1:]
        kinds = ", ".join(kind.names[0] for kind in above)
        return (
            f"{', '.join(synset.names)} ({kinds}): {synset.definition}",
            f"a photo of a {synset.names[0]}, {synset.definition}",
            "; ".join([synset.definition, *(kind.definition for kind in above)]),
        )

    def _lines(self, name: str) -> Iterator[str]:
        path = self.folder / name
        try:
            with path.open(encoding="latin-1") as file:
                yield from (line for line in file if not line.startswith("  "))  # those lines are the licence
        except OSError as error:
            raise T2WError(
                f"cannot read {path}: {error.strerror}",
                expected="a WordNet in WNDB form",
                fix="unpack Debian's wordnet-base and give its folder usr/share/wordnet",
            ) from error


def _synset(line: str) -> Synset:
    head, _, gloss = line.partition(" | ")
    fields = head.split()
    count = int(fields[3], 16)
    names = tuple(name.replace("_", " ") for name in fields[4 : 4 + 2 * count : 2])
    rest = fields[5 + 2 * count :]
    pointers = [tuple(rest[i : i + 4]) for i in range(0, len(rest) - 3, 4)]  # symbol, offset, part of speech, words
    up = [pointer for pointer in pointers if pointer[0] in ("@", "@i")]
    return Synset(
        offset=fields[0],
        names=names,
        definition=re.split(r'; "', gloss.strip())[0].strip().rstrip(";"),
        hypernyms=tuple(pointer[1] for pointer in up),
        instance=any(pointer[0] == "@i" for pointer in up),
        field=int(fields[1]),
    )
