"""Stage `concepts`: what the image encoder knows by name, less what is withheld, and the evidence for every class.

concepts/concepts.safetensors (with what the seen classes' photographs add), concepts/encoder.safetensors (without) and
concepts/evidence.safetensors. Only where `encoder.concepts` asks for it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from t2w.adapters.holdout import class_rows
from t2w.concepts import Concepts, Evidence, Knowledge, Lexicon, concepts_of, name_texts
from t2w.concepts.photographs import ClassStatistics, class_statistics, with_photographs
from t2w.errors import T2WError
from t2w.features import FeatureSet
from t2w.files import load_tensors, save_tensors
from t2w.runs.folder import Run
from t2w.runs.stage_features import read_features, read_vision, read_wnids
from t2w.runs.stage_tasks import read_task_set
from t2w.words import Choice, load_dictionary

if TYPE_CHECKING:
    from t2w.encoders import TextEncoder
    from t2w.encoders.head import ClassifierHead

__all__ = ["KnownClasses", "read_head", "read_known", "read_known_by_encoder", "run", "statistics_of"]

log = logging.getLogger("t2w")

_WHAT = "a run's concepts"


@dataclass(frozen=True, eq=False)
class KnownClasses:
    """What the concepts stage left.

    Attributes:
        concepts: with what the photographs of the seen classes add.
        evidence: of the dataset's C classes: seen ones by their own rows, the others by the map.
        by_encoder: the same without what photographs add.
        positions: per class its place among the concepts; -1 where it is withheld.
        senses: per class its row in the dictionary; -1 for none.
        label_senses: the same of the labels of the encoder's last layer that are names.
        kept: which of these labels are not withheld.
        spread: standard deviation of the seen classes' features.
    """

    concepts: Concepts
    evidence: Evidence
    by_encoder: Evidence
    positions: tuple[int, ...]
    senses: tuple[int, ...]
    label_senses: tuple[int, ...]
    kept: tuple[int, ...]
    spread: float


def run(run: Run) -> None:
    if not run.config.encoder.concepts:
        return
    from t2w.encoders import load_text_encoder

    task_set, (train, _) = read_task_set(run), read_features(run)
    encoder = load_text_encoder(run.config.encoder.path or run.config.encoder.name)
    dictionary, head = load_dictionary(), read_head(run)
    _check(dictionary.about["text_encoder"], encoder)
    seen = [train.class_names.index(name) for name in task_set.seen_classes]
    x, labels = training_images(run, train, seen)
    everything = concepts_of(head, dictionary, encoder.encode, means=[x.mean(0)])
    choices = _choices(run, task_set.class_names, encoder, everything)
    senses = [choice.sense.row if choice.sense else -1 for choice in choices]
    withheld = _withheld(task_set.class_names, task_set.unseen_classes, choices)
    kept = everything.without(withheld)
    known = everything.at(kept)
    named = name_texts(task_set.class_names, encoder.encode)
    evidence = Knowledge(known, dictionary).about(choices, encoder.encode)
    meaning = dictionary.embeddings([max(sense, 0) for sense in senses])
    meaning = torch.where(torch.tensor(senses)[:, None] >= 0, meaning, named)
    statistics = class_statistics(known, x, labels, seen)
    concepts, positions = with_photographs(
        known, statistics, names=task_set.seen_classes, text=meaning[seen], name_text=named[seen],
        senses=[senses[number] for number in seen],
    )  # fmt: skip
    again = Knowledge(concepts, dictionary).about(choices, encoder.encode)
    rows, variance, sources = again.rows, again.variance, list(again.sources)
    place = [-1] * len(senses)
    for number, position in zip(seen, positions, strict=True):
        place[number], sources[number] = position, "photographs"
        rows[number], variance[number] = concepts.rows[position], 0.0
    about = {"withheld": sorted(withheld), "encoder": train.encoder}
    for name, value in (("concepts", concepts), ("encoder", known)):
        names = [list(own) for own in value.names]
        save_tensors(run.path("concepts", f"{name}.safetensors"), value.tensors(), {**about, "names": names})
    save_tensors(
        run.path("concepts", "evidence.safetensors"),
        {
            "text": evidence.text, "rows": rows, "variance": variance, "encoder_rows": evidence.rows,
            "encoder_variance": evidence.variance, "senses": torch.tensor(senses), "positions": torch.tensor(place),
            "spread": torch.tensor(statistics.spread), "label_senses": everything.senses, "kept": torch.tensor(kept),
        },
        {"sources": sources, "encoder_sources": list(evidence.sources), "understood": list(map(str, choices))},
    )  # fmt: skip
    log.info("concepts: %d known, %d withheld", len(concepts), len(everything) - len(known))


def training_images(run: Run, train: FeatureSet, seen: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Features and labels of the seen classes' training images, less those held out for choosing."""
    rows = class_rows(train, validation_fraction=run.config.recipe.validation_fraction).train
    index = torch.cat([rows[number] for number in seen])
    return train.rows(index), train.labels[index]


def statistics_of(run: Run, concepts: Concepts) -> ClassStatistics:
    """The statistics of the seen classes' training images."""
    train, _ = read_features(run)
    seen = [train.class_names.index(name) for name in read_task_set(run).seen_classes]
    return class_statistics(concepts, *training_images(run, train, seen), seen)


def read_head(run: Run) -> ClassifierHead:
    """The last layer of the run's image encoder.

    Raises:
        T2WError: the encoder has none.
    """
    from t2w.encoders import vision_encoder_from_dict

    encoder = vision_encoder_from_dict(read_vision(run))
    head = getattr(encoder, "head", None)
    if head is None:
        raise T2WError(
            f"{encoder.identity} knows no classes by name, and encoder.concepts is true",
            expected="an image classifier, such as efficientnet-lite0 or resnet18",
            fix="set encoder.vision to one, or encoder.concepts=false",
        )
    found: ClassifierHead = head()
    return found


def read_known(run: Run) -> KnownClasses:
    """What the stage left. Raises T2WError where a withheld class is among the concepts after all."""
    tensors, about = load_tensors(run.path("concepts", "evidence.safetensors"), what=_WHAT)
    evidence, by_encoder = (
        Evidence(tensors["text"], tensors[f"{own}rows"], tensors[f"{own}variance"], tuple(about[f"{own}sources"]))
        for own in ("", "encoder_")
    )
    places = {name: tuple(tensors[name].tolist()) for name in ("positions", "senses", "label_senses", "kept")}
    return KnownClasses(_read(run, "concepts"), evidence, by_encoder, **places, spread=float(tensors["spread"]))


def read_known_by_encoder(run: Run) -> Concepts:
    """The encoder's own concepts, without what photographs add."""
    return _read(run, "encoder")


def _read(run: Run, name: str) -> Concepts:
    tensors, about = load_tensors(run.path("concepts", f"{name}.safetensors"), what=_WHAT)
    concepts = Concepts.from_tensors(about["names"], tensors)
    if len(concepts.without(about["withheld"])) < len(concepts):
        raise T2WError(
            f"{run.path('concepts')} knows a class that is withheld from training",
            expected="none of them, by any of their names",
            fix="remove the folder and run again",
        )
    return concepts


def _choices(run: Run, names: Sequence[str], encoder: TextEncoder, concepts: Concepts) -> tuple[Choice, ...]:
    """How the dataset's class names are understood: by its own WordNet ids where it has them."""
    dictionary = load_dictionary()
    if (keys := read_wnids(run)) is not None:
        senses = dictionary.by_key(keys)
        return tuple(Choice(name, name, sense) for name, sense in zip(names, senses, strict=True))
    return Lexicon(concepts, encoder.encode).understand(names)


def _withheld(names: Sequence[str], unseen: Sequence[str], choices: Sequence[Choice]) -> set[str]:
    """Every name of an unseen class: its own, and the synonyms of what it means."""
    found: set[str] = set()
    for name in unseen:
        sense = choices[names.index(name)].sense
        found |= {name, *(sense.names if sense else ())}
    return found


def _check(dictionary: Any, encoder: TextEncoder) -> None:
    if dictionary != encoder.identity:
        raise T2WError(
            f"the text encoder is {encoder.identity}, and encoder.concepts is true",
            expected=f"{dictionary}, which the dictionary of senses was made with",
            fix="set encoder=minilm, or encoder.concepts=false",
        )
