"""Rows of the scoreboard from what the image encoder knows by name, and the split of unseen datasets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from t2w.adapters import Adapter, class_codes
from t2w.concepts import Concepts, Evidence, Lexicon
from t2w.evaluation.bench import Tasks
from t2w.evaluation.generated import Sampled
from t2w.evaluation.known import conse_scores, map_scores, rows_scores
from t2w.evaluation.zero_shot import linear_accuracy, top1
from t2w.features import FeatureSet, extract
from t2w.runs.run import Run
from t2w.runs.stage_features import cache_folder

if TYPE_CHECKING:
    from t2w.encoders.head import ClassifierHead

__all__ = ["KnownRows", "encoder_labels", "unseen_dataset"]


@dataclass(frozen=True, eq=False)
class KnownRows:
    """The encoder's own rows, the map and ConSE for a run's classes.

    Attributes:
        head: the encoder's last layer.
        label_senses: per label of it the row in the dictionary; -1 for none.
        kept: the labels that are not withheld, in the order of `concepts`.
        concepts: what they are.
        evidence: of the dataset's classes, from these concepts alone.
        senses: per class of the dataset its row in the dictionary.
    """

    head: ClassifierHead
    label_senses: tuple[int, ...]
    kept: tuple[int, ...]
    concepts: Concepts
    evidence: Evidence
    senses: tuple[int, ...]

    @classmethod
    def of(cls, run: Run) -> KnownRows:
        known = run.known
        return cls(
            run.head.named(), known.label_senses, known.kept, run.encoder_concepts, known.by_encoder, known.senses
        )

    def scores(self, images: FeatureSet, tasks: Tasks) -> dict[str, np.ndarray]:
        """method -> (T,) accuracies; the encoder's rows only where it has one for every class of the tasks."""
        labels = [self._label_of.get(sense) for sense in self.senses]
        found = {}
        if all(labels[number] is not None for task in tasks for number in task):
            rows = rows_scores(self.head, [label or 0 for label in labels])
            found["encoder's rows"] = linear_accuracy(rows, images, tasks)
        found["map"] = linear_accuracy(map_scores(self.evidence), images, tasks)
        found["ConSE"] = top1(self.conse(images.dense(), self.evidence.text), images.labels, tasks)
        return found

    def conse(self, x: Tensor, text: Tensor) -> Tensor:
        """(N, C) ConSE's scores of features for classes with these texts."""
        return conse_scores(self.head, self.kept, self.concepts, text, x)

    def labelled(self, senses: Sequence[int]) -> int:
        """How many of the classes the encoder was trained with labels of."""
        return sum(sense in self._label_of for sense in senses)

    @cached_property
    def _label_of(self) -> dict[int, int]:
        """Dictionary row -> position among the head's labels."""
        return {sense: i for i, sense in enumerate(self.label_senses) if sense >= 0}


def encoder_labels(known: KnownRows, senses: Sequence[int]) -> str:
    """For a table's header: "all" or "22 of 50"."""
    count = known.labelled(senses)
    return "all" if count == len(senses) else f"{count} of {len(senses)}"


def unseen_dataset(
    run: Run, path: Path, sampled: Sampled, known: KnownRows, *, seeds: Sequence[int]
) -> tuple[dict[str, np.ndarray], str]:
    """A folder of class folders by its names alone: method -> (N,) hits, and how many classes the encoder knows.

    All classes at once; nothing of the pictures is used but to score.
    """
    from t2w.datasets.folder import load_whole_folder

    images, encode = load_whole_folder(path), run.text_encoder.encode
    features = extract(run.vision_encoder, images, cache=cache_folder(run.config))
    lexicon = Lexicon(known.concepts, encode)
    choices = lexicon.understand(images.class_names)
    x, labels = features.dense(), features.labels
    own, evidence = lexicon.evidence(choices), Lexicon(run.known.concepts, encode).evidence(choices)
    hits = {
        "chance": np.full(len(x), 1 / len(choices)),
        "ConSE": _hits(known.conse(x, own.text), labels),
        "map": _hits(map_scores(own).logits(x), labels),
        "start": _hits(map_scores(evidence).logits(x), labels),
        "generated": np.mean([_generated(sampled, evidence, x, labels, seed) for seed in seeds], axis=0),
    }
    return hits, encoder_labels(known, [choice.sense.row if choice.sense else -1 for choice in choices])


def _generated(sampled: Sampled, evidence: Evidence, x: Tensor, labels: Tensor, seed: int) -> np.ndarray:
    condition = sampled.generator.condition(evidence)
    vector = sampled.generator.generate(condition, sampled.how, seed=seed)[0]
    adapter = Adapter.from_vector(sampled.generator.spec_for(condition), vector)
    with torch.no_grad():
        return _hits(adapter.logits(x, class_codes(evidence.text)), labels)


def _hits(scores: Tensor, labels: Tensor) -> np.ndarray:
    return np.asarray((scores.argmax(1) == labels).double().numpy())
