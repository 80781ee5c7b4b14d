"""What the stage `concepts` left: which classes are known by name, and the evidence for every class of the dataset.

concepts/concepts.safetensors (with what the seen classes' photographs add), concepts/encoder.safetensors (without) and
concepts/evidence.safetensors.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from t2w.concepts import Concepts, Evidence
from t2w.errors import T2WError
from t2w.files import load_tensors, save_tensors

__all__ = ["KnownClasses", "load_concepts", "load_known", "save_known"]

_WHAT = "a run's concepts"
_PLACES = ("positions", "senses", "label_senses", "kept")


@dataclass(frozen=True, eq=False)
class KnownClasses:
    """What the concepts stage left, of the dataset's C classes."""

    concepts: Concepts  # with what the photographs of the seen classes add
    evidence: Evidence  # of each class: seen ones by their own rows, the others by the map
    by_encoder: Evidence  # the same without what photographs add
    positions: tuple[int, ...]  # per class its place among the concepts; -1 where it is withheld
    senses: tuple[int, ...]  # per class its row in the dictionary; -1 for none
    label_senses: tuple[int, ...]  # the same of the labels of the encoder's last layer that are names
    kept: tuple[int, ...]  # which of these labels are not withheld
    spread: float  # standard deviation of the seen classes' features


def save_known(
    folder: Path, known: KnownClasses, encoder: Concepts, *, withheld: set[str], vision: str, understood: list[str]
) -> None:
    """Write it, with the names that no concept may have and how each class's name was `understood`, for readers."""
    for name, concepts in (("concepts", known.concepts), ("encoder", encoder)):
        about = {"withheld": sorted(withheld), "encoder": vision, "names": list(map(list, concepts.names))}
        save_tensors(folder / f"{name}.safetensors", concepts.tensors(), about)
    tensors = {name: torch.tensor(getattr(known, name)) for name in (*_PLACES, "spread")}
    tensors["text"] = known.evidence.text
    sources = {}
    for own, evidence in (("", known.evidence), ("encoder_", known.by_encoder)):
        tensors |= {f"{own}rows": evidence.rows, f"{own}variance": evidence.variance}
        sources[f"{own}sources"] = list(evidence.sources)
    save_tensors(folder / "evidence.safetensors", tensors, {**sources, "understood": understood})


def load_known(folder: Path) -> KnownClasses:
    """Raises T2WError where a withheld class is among the concepts after all."""
    tensors, about = load_tensors(folder / "evidence.safetensors", what=_WHAT)
    evidence, by_encoder = (
        Evidence(tensors["text"], tensors[f"{own}rows"], tensors[f"{own}variance"], tuple(about[f"{own}sources"]))
        for own in ("", "encoder_")
    )
    places = {name: tuple(tensors[name].tolist()) for name in _PLACES}
    spread = float(tensors["spread"])
    return KnownClasses(load_concepts(folder, "concepts"), evidence, by_encoder, **places, spread=spread)


def load_concepts(folder: Path, name: str) -> Concepts:
    """Raises T2WError where a withheld class is among them."""
    tensors, about = load_tensors(folder / f"{name}.safetensors", what=_WHAT)
    concepts = Concepts.from_tensors(about["names"], tensors)
    if len(concepts.without(about["withheld"])) < len(concepts):
        raise T2WError(
            f"{folder} knows a class that is withheld from training",
            expected="none of them, by any of their names",
            fix="remove the folder and run again",
        )
    return concepts
