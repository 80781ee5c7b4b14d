"""Rows of the scoreboard from what the image encoder knows by name, and the split of unseen datasets.

They are its own last layer, the text-to-weights map, and ConSE.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters import Adapter, class_codes
from t2w.adapters.linear_head import LinearHead
from t2w.concepts import Evidence, Lexicon
from t2w.encoders.head import ClassifierHead
from t2w.evaluation.bench import Tasks
from t2w.evaluation.generated import Sampled
from t2w.evaluation.zero_shot import linear_accuracy, top1
from t2w.features import FeatureSet, extract
from t2w.runs.run import Run
from t2w.runs.stage_features import cache_folder

__all__ = ["KnownRows", "map_scores", "rows_scores"]

_TOP, _TEMPERATURE = 10, 0.5  # of ConSE


def rows_scores(head: ClassifierHead, labels: Sequence[int]) -> LinearHead:
    """The encoder's own last layer, of the classes at these positions among its labels; it was trained on them."""
    index = torch.as_tensor(list(labels))
    return LinearHead(head.weight[index], head.bias[index])


def map_scores(evidence: Evidence) -> LinearHead:
    """The rows of some evidence as a linear classifier."""
    return LinearHead(evidence.rows, torch.zeros(len(evidence)))


class KnownRows:
    """The encoder's own rows, the map and ConSE for a run's classes, from the encoder's concepts alone."""

    def __init__(self, run: Run) -> None:
        self.run, self.known, self.concepts = run, run.known, run.encoder_concepts

    @cached_property
    def _head(self) -> ClassifierHead:
        return self.run.head.named()

    @cached_property
    def _label_of(self) -> dict[int, int]:
        """Row of the dictionary -> position among the head's labels."""
        return {sense: i for i, sense in enumerate(self.known.label_senses) if sense >= 0}

    def scores(self, tasks: Tasks) -> dict[str, np.ndarray]:
        """method -> (T,) accuracies on test images; the encoder's rows only where every class of the tasks has one."""
        images, evidence = self.run.features[1], self.known.by_encoder
        labels, found = [self._label_of.get(sense) for sense in self.known.senses], {}
        if all(labels[number] is not None for task in tasks for number in task):
            rows = rows_scores(self._head, [label or 0 for label in labels])
            found["encoder's rows"] = linear_accuracy(rows, images, tasks)
        found["map"] = linear_accuracy(map_scores(evidence), images, tasks)
        found["ConSE"] = top1(self._conse(images.dense(), evidence.text), images.labels, tasks)
        return found

    def labels(self, senses: Sequence[int]) -> str:
        """Of how many of some classes the encoder was trained with labels: "all" or "22 of 50"."""
        count = sum(sense in self._label_of for sense in senses)
        return "all" if count == len(senses) else f"{count} of {len(senses)}"

    def unseen_dataset(self, path: Path, sampled: Sampled, seeds: Sequence[int]) -> tuple[dict[str, np.ndarray], str]:
        """A folder of class folders by its names alone: method -> (N,) hits, and of how many classes it has labels.

        All classes at once; nothing of the pictures is used but to score.
        """
        from t2w.datasets.folder import load_whole_folder

        images, encode = load_whole_folder(path), self.run.text_encoder.encode
        features: FeatureSet = extract(self.run.vision_encoder, images, cache=cache_folder(self.run.config))
        lexicon = Lexicon(self.concepts, encode)
        choices = lexicon.understand(images.class_names)
        x, labels = features.dense(), features.labels
        own, evidence = lexicon.evidence(choices), Lexicon(self.known.concepts, encode).evidence(choices)
        hits = {
            "chance": np.full(len(x), 1 / len(choices)),
            "ConSE": _hits(self._conse(x, own.text), labels),
            "map": _hits(map_scores(own).logits(x), labels),
            "start": _hits(map_scores(evidence).logits(x), labels),
            "generated": np.mean([_generated(sampled, evidence, x, labels, seed) for seed in seeds], axis=0),
        }
        return hits, self.labels([choice.sense.row if choice.sense else -1 for choice in choices])

    def _conse(self, x: Tensor, text: Tensor) -> Tensor:
        """(N, C) cosines of classes' texts with the mean text of what an image (N, d) is taken for.

        Source: Norouzi et al. 2013, arXiv 1312.5650. Texts are (C, t), of unit length, of meaning and name together.
        """
        logits = rows_scores(self._head, self.known.kept).logits(x)
        top = (logits / _TEMPERATURE).softmax(1).topk(min(_TOP, logits.shape[1]), dim=1)
        texts = F.normalize(self.concepts.text + self.concepts.name_text, dim=1)[top.indices]  # (N, 10, t)
        return F.normalize((top.values[..., None] * texts).sum(1), dim=1) @ text.T


def _generated(sampled: Sampled, evidence: Evidence, x: Tensor, labels: Tensor, seed: int) -> np.ndarray:
    condition = sampled.generator.condition(evidence)
    vector = sampled.generator.generate(condition, sampled.how, seed=seed)[0]
    adapter = Adapter.from_vector(sampled.generator.spec_for(condition), vector)
    with torch.no_grad():
        return _hits(adapter.logits(x, class_codes(evidence.text)), labels)


def _hits(scores: Tensor, labels: Tensor) -> np.ndarray:
    return np.asarray((scores.argmax(1) == labels).double().numpy())
