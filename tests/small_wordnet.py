"""A WordNet of a dozen nouns in WNDB form, and a text encoder that counts words."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F

SYNSETS = {  # offset: (lexicographer's file, names, hypernym, definition)
    "00001930": (3, ["physical_entity"], None, "an entity that has physical existence"),
    "00000010": (5, ["animal", "beast"], "00001930", "a living thing that moves"),
    "00000020": (5, ["bird"], "00000010", "an animal with feathers and wings"),
    "00000030": (5, ["crane"], "00000020", "large long-necked bird that wades in marshes"),
    "00000040": (6, ["machine"], "00001930", "a device of metal that does work"),
    "00000050": (6, ["crane"], "00000040", "a machine that lifts heavy loads"),
    "00000060": (5, ["heron"], "00000020", "grey bird that wades and eats fish"),
    "00000070": (5, ["stork"], "00000020", "large white bird that wades in marshes"),
    "00000080": (6, ["bulldozer", "dozer"], "00000040", "a machine that pushes heavy loads of earth"),
    "00000090": (6, ["excavator"], "00000040", "a machine that digs heavy loads of earth"),
    "00000100": (20, ["water_lily"], "00001930", "a plant with large floating leaves"),
    "00000110": (5, ["mouse"], "00000010", "small rodent"),
    "00000120": (15, ["Elba"], "00001930", "an island"),
}
_INSTANCES = {"00000120"}
_ORDER = {"crane": ["00000050", "00000030"]}


def write_wordnet(folder: Path) -> Path:
    """data.noun, index.noun and noun.exc of `SYNSETS`."""
    lines = ["  1 This line stands for the licence.  "]
    for offset, (field, names, above, definition) in SYNSETS.items():
        words = " ".join(f"{name} 0" for name in names)
        symbol = "@i" if offset in _INSTANCES else "@"
        pointer = "000" if above is None else f"001 {symbol} {above} n 0000"
        lines.append(f'{offset} {field:02d} n {len(names):02x} {words} {pointer} | {definition}; "an example"  ')
    (folder / "data.noun").write_text("\n".join(lines) + "\n", encoding="latin-1")
    index: dict[str, list[str]] = {}
    for offset, (_, names, _, _) in SYNSETS.items():
        for name in names:
            index.setdefault(name.lower(), []).append(offset)
    index |= _ORDER
    rows = [f"{name} n {len(senses)} 1 @ {len(senses)} 0 {' '.join(senses)}  " for name, senses in index.items()]
    (folder / "index.noun").write_text("\n".join(rows) + "\n", encoding="latin-1")
    (folder / "noun.exc").write_text("mice mouse\n", encoding="latin-1")
    return folder


class CountingEncoder:
    """Texts as counts of their words, hashed to 64 numbers: texts that share words are near."""

    identity, dim, logit_scale = "words@0", 64, None

    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        vectors = torch.full((len(texts), self.dim), 1e-3)
        for row, text in enumerate(texts):
            for word in text.lower().replace(",", " ").replace(":", " ").replace(";", " ").replace("_", " ").split():
                vectors[row, zlib.crc32(word.encode()) % self.dim] += 1
        return F.normalize(vectors, dim=1)
