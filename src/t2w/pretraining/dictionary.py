"""Makes the dictionary that ships: `python -m t2w.pretraining.dictionary --wordnet usr/share/wordnet -o FOLDER`.

WordNet 3.0 in WNDB form is Debian's `wordnet-base`: `apt-get download wordnet-base; dpkg -x wordnet-base*.deb .`
Every noun that is a physical thing is taken, of single things (the Eiffel Tower) those made by people, and ImageNet's
classes, three of which are none by WordNet: street sign, traffic light and bubble. Three texts
of a sense (names, kinds, definition) are encoded; their mean is kept as int8 in the space of its principal components,
and the sentences stay behind. A quarter of an hour on 2 CPU cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.encoders import TextEncoder, load_text_encoder
from t2w.encoders.efficientnet import imagenet_1k
from t2w.files import save_tensors
from t2w.pretraining.publish import record
from t2w.pretraining.wordnet import PHYSICAL, Synset, WordNet
from t2w.progress import log_to_terminal, track
from t2w.words.dictionary import FILE, FORMAT, VERSION

__all__ = ["build"]

_ARTIFACT = 6
_DIMENSIONS = 256  # of the principal components
_SPREAD = 4.0  # standard deviations that int8 covers
_PART = 512


def build(wordnet: WordNet, encoder: TextEncoder, path: Path, *, dimensions: int = _DIMENSIONS) -> None:
    """Write the dictionary of a WordNet, with so many principal components of the embeddings."""
    kept = [s for s in wordnet.synsets.values() if _wanted(wordnet, s)]
    row_of = {synset.offset: row for row, synset in enumerate(kept)}
    parts = [kept[start : start + _PART] for start in range(0, len(kept), _PART)]
    watched = track(parts, "senses", total=len(parts), unit="part")
    embeddings = torch.cat([_embedded(encoder, [wordnet.texts(synset) for synset in part]) for part in watched])
    parents = torch.full((len(kept), 2), -1, dtype=torch.int32)
    for row, synset in enumerate(kept):
        for place, above in enumerate([row_of[offset] for offset in synset.hypernyms if offset in row_of][:2]):
            parents[row, place] = above
    ranks = [_rank(wordnet, name, synset) for synset in kept for name in synset.names]
    names = "\n".join("|".join(synset.names) for synset in kept).encode()
    tensors = {
        "names": torch.frombuffer(bytearray(names), dtype=torch.uint8),
        "rank": torch.tensor(ranks, dtype=torch.uint8),
        "offset": torch.tensor([int(synset.offset) for synset in kept], dtype=torch.int32),
        "field": torch.tensor([synset.field for synset in kept], dtype=torch.uint8),
        "parents": parents,
        **_quantised(embeddings, dimensions),
    }
    about = {
        "format": FORMAT,
        "version": VERSION,
        "text_encoder": encoder.identity,
        "source": "WordNet 3.0, Copyright 2006 by Princeton University; the licence stands in dictionary.md",
        "irregular": dict(wordnet.irregular),
    }
    save_tensors(path, tensors, about)


def _wanted(wordnet: WordNet, synset: Synset) -> bool:
    physical = PHYSICAL in wordnet.ancestors(synset.offset) and (not synset.instance or synset.field == _ARTIFACT)
    return physical or f"n{synset.offset}" in imagenet_1k()


def _rank(wordnet: WordNet, name: str, synset: Synset) -> int:
    order: Sequence[str] = wordnet.order.get(name.casefold(), ())
    return min(order.index(synset.offset) if synset.offset in order else len(order), 255)


def _embedded(encoder: TextEncoder, texts: Sequence[tuple[str, ...]]) -> Tensor:
    """(n, t) the mean of each sense's texts, of unit length."""
    return F.normalize(torch.stack([encoder.encode(several) for several in zip(*texts, strict=True)]).mean(0), dim=-1)


def _quantised(embeddings: Tensor, dimensions: int) -> dict[str, Tensor]:
    mean = embeddings.mean(0)
    _, basis = torch.linalg.eigh((embeddings - mean).T @ (embeddings - mean))
    basis = basis[:, -dimensions:].T.half()
    coordinates = (embeddings - mean) @ basis.float().T
    step = _SPREAD * coordinates.std(0) / 127
    code = (coordinates / step).round().clamp(-127, 127).to(torch.int8)
    return {"code": code, "step": step, "basis": basis.contiguous(), "mean": mean.half()}


@click.command()
@click.option("--wordnet", required=True, help="The folder with data.noun, index.noun and noun.exc.")
@click.option("-o", "--output", required=True, help=f"Where {FILE} goes.")
def main(wordnet: str, output: str) -> None:
    """Make the dictionary of senses, and enter it among the checksums of its folder."""
    log_to_terminal()
    path = Path(output) / FILE
    build(WordNet(Path(wordnet)), load_text_encoder("minilm"), path)
    record(path.parent, FILE)


if __name__ == "__main__":
    main()
